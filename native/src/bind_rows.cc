#include <vector>

#include "arguments.h"
#include "bindings.h"
#include "page_chains_argument.h"
#include "rows.h"

namespace heronry {
namespace {

constexpr std::size_t kLongBytes = 256 << 10;
constexpr std::size_t kLongSteps = 16384;

// A view of an array's memory. Half the cost of an ndarray argument, and any element type will do.
class Buffer {
 public:
  Buffer(nb::handle array, int flags) {
    if (PyObject_GetBuffer(array.ptr(), &view_, flags) != 0) throw nb::python_error();
  }
  Buffer(Buffer&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { PyBuffer_Release(&view_); }

  const Py_buffer* operator->() const { return &view_; }

  // Bytes of one element of the axes before `axis`; those behind it must lie without gaps.
  std::size_t bytes_behind(int axis, const char* otherwise) const {
    Py_ssize_t num_bytes = view_.itemsize;
    for (int i = view_.ndim - 1; i >= axis; --i) {
      require(view_.shape[i] == 1 || view_.strides[i] == num_bytes, otherwise);
      num_bytes *= view_.shape[i];
    }
    return static_cast<std::size_t>(num_bytes);
  }

 private:
  Py_buffer view_;
};

using Rows = nb::ndarray<const std::int64_t, nb::c_contig, nb::device::cpu>;

RowCopy copy_of(const Buffer& source, const Rows& rows, const Buffer& out) {
  const int axes = static_cast<int>(rows.ndim());
  require(source->ndim >= 1 && source->itemsize == out->itemsize && out->ndim == source->ndim - 1 + axes,
          "an output whose axes or elements don't fit its source");
  bool fits = true;
  for (int i = 0; i < axes; ++i) fits &= out->shape[i] == static_cast<Py_ssize_t>(rows.shape(i));
  for (int i = 1; i < source->ndim; ++i) fits &= out->shape[axes + i - 1] == source->shape[i];
  require(fits, "an output whose shape doesn't fit");
  const std::size_t row_bytes = source.bytes_behind(1, "a source with gaps");
  require(out.bytes_behind(axes, "an output with gaps within a row") == row_bytes, "rows of unlike bytes");
  require(source->shape[0] <= 1 || source->strides[0] == static_cast<Py_ssize_t>(row_bytes), "a source with gaps");
  return {static_cast<const char*>(source->buf), static_cast<std::size_t>(source->shape[0]), row_bytes,
          static_cast<char*>(out->buf), axes == 2 ? out->strides[0] : 0, out->strides[axes - 1]};
}

void gather_columns(nb::sequence sources, Rows rows, nb::sequence outs) {
  require(rows.ndim() == 1 || rows.ndim() == 2, "rows that are neither [B] nor [T, B]");
  const std::size_t num_columns = nb::len(sources);
  require(nb::len(outs) == num_columns, "not as many outputs as sources");
  std::vector<Buffer> buffers;
  std::vector<RowCopy> copies;
  buffers.reserve(2 * num_columns);
  copies.reserve(num_columns);
  std::size_t fewest_rows = SIZE_MAX, row_bytes = 0;
  for (std::size_t i = 0; i < num_columns; ++i) {
    const nb::object source = sources[i], out = outs[i];
    buffers.emplace_back(source, PyBUF_STRIDES);
    buffers.emplace_back(out, PyBUF_STRIDES | PyBUF_WRITABLE);
    copies.push_back(copy_of(buffers[2 * i], rows, buffers[2 * i + 1]));
    fewest_rows = std::min(fewest_rows, copies.back().num_rows);
    row_bytes += copies.back().row_bytes;
  }
  const bool is_flat = rows.ndim() == 1;
  const std::size_t num_steps = is_flat ? 1 : rows.shape(0), batch_size = rows.shape(is_flat ? 0 : 1);
  std::int64_t highest = -1;
  for (std::size_t i = 0; i < rows.size(); ++i) highest = std::max(highest, rows.data()[i]);
  require_index(highest < 0 || static_cast<std::size_t>(highest) < fewest_rows, "a row past a column's end");
  LockReleased released(row_bytes * rows.size() >= kLongBytes);
  for (const RowCopy& copy : copies) copy_rows(copy, rows.data(), num_steps, batch_size);
}

void window_rows_of(Vector<const std::int64_t> rows, Rows steps, Vector<const std::int64_t> next_page,
                    Vector<const std::int64_t> lanes, std::int64_t page_rows, Matrix<std::int64_t> out) {
  const PageChains chains = chains_of(rows, next_page, lanes, page_rows);
  const bool has_own_steps = steps.ndim() == 2;
  require(steps.ndim() == 1 || (has_own_steps && steps.shape(1) == rows.shape(0)), "steps that are not [T] or [T, B]");
  require(out.shape(0) == steps.shape(0) && out.shape(1) == rows.shape(0), "a result that is not [T, B]");
  LockReleased released(out.size() >= kLongSteps);
  window_rows(chains, rows.data(), rows.shape(0), steps.data(), steps.shape(0), has_own_steps, out.data());
}

}  // namespace

void bind_rows(nb::module_& module) {
  module.def("gather_columns", &gather_columns, nb::arg(), nb::arg().noconvert(), nb::arg());
  module.def("window_rows", &window_rows_of, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(),
             nb::arg().noconvert(), nb::arg(), nb::arg().noconvert());
}

}  // namespace heronry
