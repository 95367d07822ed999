// Checks that the loops over whole vectors share.
#pragma once

#include <vector>

#include "arguments.h"

namespace heronry {

// A pass over fewer takes less than giving up the interpreter's lock may cost.
constexpr std::size_t kLongVector = 16384;

template <typename... Arrays>
void require_lengths(std::size_t length, const Arrays&... arrays) {
  require(((arrays.shape(0) == length) && ...), "vectors of unlike lengths");
}

// Keeps the sources alive as long as their addresses are used.
template <typename Real>
class Sources {
 public:
  Sources(nb::sequence sources, std::size_t length) {
    const std::size_t count = nb::len(sources);
    arrays_.reserve(count);
    addresses_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const nb::object source = sources[i];
      Vector<const Real> array;
      if (!nb::try_cast(source, array, false)) throw nb::type_error("a source of another type than the output");
      require_lengths(length, array);
      addresses_.push_back(array.data());
      arrays_.push_back(std::move(array));
    }
  }

  const Real* const* data() const { return addresses_.data(); }
  std::size_t size() const { return addresses_.size(); }

 private:
  std::vector<Vector<const Real>> arrays_;
  std::vector<const Real*> addresses_;
};

}  // namespace heronry
