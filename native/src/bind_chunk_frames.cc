#include <vector>

#include "arguments.h"
#include "bindings.h"
#include "chunk_frames.h"

namespace heronry {
namespace {

// Bytes that take longer to copy than giving up the interpreter's lock may cost.
constexpr std::size_t kLongChunk = 1 << 16;

class Parts {
 public:
  explicit Parts(nb::sequence parts) {
    for (nb::handle part : parts) {
      Vector<const std::uint8_t> bytes;
      if (!nb::try_cast(part, bytes, false)) throw nb::type_error("a part that is not a vector of bytes");
      num_bytes_ += bytes.size();
      parts_.push_back(std::move(bytes));
    }
  }
  std::size_t num_bytes() const { return num_bytes_; }
  std::uint32_t copy_to(unsigned char* out) const {
    std::uint32_t state = kNoBytes;
    for (const auto& part : parts_) {
      state = crc32c_copying(state, part.data(), part.size(), out, false);
      out += part.size();
    }
    return ~state;
  }

 private:
  std::vector<Vector<const std::uint8_t>> parts_;
  std::size_t num_bytes_ = 0;
};

nb::bytes cut_chunk(nb::bytes before, nb::bytes after, nb::sequence sequence) {
  const Parts parts(sequence);
  constexpr std::size_t kCrcBytes = 4;
  const std::size_t num_bytes = before.size() + kCrcBytes + after.size() + parts.num_bytes();
  nb::object frame = nb::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(num_bytes)));
  if (!frame.is_valid()) throw nb::python_error();
  auto* out = reinterpret_cast<unsigned char*>(PyBytes_AS_STRING(frame.ptr()));
  std::memcpy(out, before.data(), before.size());
  unsigned char* crc_at = out + before.size();
  std::memcpy(crc_at + kCrcBytes, after.data(), after.size());
  std::uint32_t crc = 0;
  {
    LockReleased released(parts.num_bytes() >= kLongChunk);
    crc = parts.copy_to(crc_at + kCrcBytes + after.size());
  }
  for (std::size_t i = 0; i < kCrcBytes; ++i) crc_at[i] = static_cast<unsigned char>(crc >> 8 * i);
  return nb::borrow<nb::bytes>(frame);
}

// Where the chunk of a frame ends in the buffer; -1 unless it belongs there and nowhere else.
std::int64_t end_in(nb::bytes frame, nb::bytes tag, std::size_t num_bytes, std::size_t begin, std::size_t max_bytes,
                    ChunkPlace& chunk) {
  const FrameReader reader(static_cast<const unsigned char*>(frame.data()), frame.size());
  if (!parse_chunk(reader, static_cast<const unsigned char*>(tag.data()), tag.size(), chunk)) return -1;
  if (chunk.offset != begin || chunk.count > max_bytes || begin > num_bytes || chunk.count > num_bytes - begin) return -1;
  return static_cast<std::int64_t>(begin + chunk.count);
}

std::int64_t place_chunk(nb::bytes frame, nb::bytes tag, Vector<std::uint8_t> out, std::size_t begin,
                         std::size_t max_bytes) {
  ChunkPlace chunk;
  const std::int64_t end = end_in(frame, tag, out.size(), begin, max_bytes, chunk);
  if (end < 0) return end;
  LockReleased released(chunk.count >= kLongChunk);
  const bool is_past_cache = chunk.count >= kPastCacheBytes;
  const std::uint32_t state = crc32c_copying(kNoBytes, chunk.data, chunk.count, out.data() + begin, is_past_cache);
  return ~state == chunk.crc32c ? end : -1;
}

template <typename Real>
nb::tuple place_measured_of(nb::bytes frame, nb::bytes tag, Vector<Real> out, std::size_t begin, std::size_t max_bytes,
                            double squares) {
  ChunkPlace chunk;
  std::int64_t end = end_in(frame, tag, out.size() * sizeof(Real), begin, max_bytes, chunk);
  if (end < 0 || begin % sizeof(Real) != 0 || chunk.count % sizeof(Real) != 0) return nb::make_tuple(-1, 0.0, squares);
  MeasuredChunk placed{};
  {
    LockReleased released(chunk.count >= kLongChunk);
    placed = place_measured(chunk, out.data() + begin / sizeof(Real), squares);
  }
  if (!placed.is_right) end = -1;
  return nb::make_tuple(end, placed.measure.largest, placed.measure.squared_norm);
}

template <typename Real>
void bind_measured(nb::module_& module) {
  module.def("place_measured", &place_measured_of<Real>, nb::arg(), nb::arg(), nb::arg().noconvert(), nb::arg(),
             nb::arg(), nb::arg());
}

}  // namespace

void bind_chunk_frames(nb::module_& module) {
  module.def("cut_chunk", &cut_chunk);
  module.def("place_chunk", &place_chunk, nb::arg(), nb::arg(), nb::arg().noconvert(), nb::arg(), nb::arg());
  bind_measured<float>(module);
  bind_measured<double>(module);
}

}  // namespace heronry
