// What is refused: which field, what it was, what is allowed. The Python face makes the named error of it.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace heronry {

using Shape = std::vector<std::int64_t>;
using Value = std::variant<std::string, std::int64_t, double, Shape>;

struct Refusal : std::exception {
  Refusal(std::string field, Value value, std::string allowed)
      : field(std::move(field)), value(std::move(value)), allowed(std::move(allowed)) {}
  const char* what() const noexcept override { return field.c_str(); }

  std::string field;
  Value value;
  std::string allowed;
};

// Names, shapes or element types that are not the declared ones.
struct SchemaRefusal : Refusal {
  using Refusal::Refusal;
};

inline std::int64_t size_of(const Shape& shape) {
  std::int64_t size = 1;
  for (const std::int64_t length : shape) size *= length;
  return size;
}

// As Python prints a tuple.
inline std::string text_of(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace heronry
