// NumPy arrays as tensors and back.
#pragma once

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <list>
#include <optional>
#include <string>

#include "refusal.h"

namespace heronry {

namespace py = pybind11;

// Tensors over the memory of arrays, for one call; arrays with gaps are copied, and kept as long.
class BorrowedArrays {
 public:
  at::Tensor tensor(const std::string& field, const py::handle& value) {
    if (!py::isinstance<py::array>(value)) {
      throw SchemaRefusal(field, std::string(py::str(py::type::of(value))), "a NumPy array");
    }
    held_.push_back(py::array::ensure(value, py::array::c_style));
    const py::array& array = held_.back();
    const std::vector<std::int64_t> shape(array.shape(), array.shape() + array.ndim());
    // The memory is read alone: columns that came over the wire are read-only.
    return at::from_blob(const_cast<void*>(array.data()), shape, at::TensorOptions().dtype(type_of(field, array)));
  }

 private:
  template <typename Scalar>
  static bool holds(const py::array& array) {
    return py::isinstance<py::array_t<Scalar>>(array);
  }

  static at::ScalarType type_of(const std::string& field, const py::array& array) {
    if (holds<float>(array)) return at::kFloat;
    if (holds<double>(array)) return at::kDouble;
    if (holds<bool>(array)) return at::kBool;
    if (holds<std::int64_t>(array)) return at::kLong;
    if (holds<std::int32_t>(array)) return at::kInt;
    if (holds<std::int16_t>(array)) return at::kShort;
    if (holds<std::int8_t>(array)) return at::kChar;
    if (holds<std::uint8_t>(array)) return at::kByte;
    throw SchemaRefusal(field + ".dtype", std::string(py::str(array.dtype())),
                        "float32, float64, bool, uint8, int8, int16, int32, int64");
  }

  std::list<py::array> held_;
};

template <typename Scalar>
py::array copied(const at::Tensor& tensor) {
  py::array_t<Scalar> array(std::vector<py::ssize_t>(tensor.sizes().begin(), tensor.sizes().end()));
  const at::Tensor dense = tensor.contiguous();
  std::copy_n(dense.const_data_ptr<Scalar>(), dense.numel(), array.mutable_data());
  return array;
}

inline py::object array_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return py::none();
  if (tensor.scalar_type() == at::kLong) return copied<std::int64_t>(tensor);
  return tensor.scalar_type() == at::kDouble ? copied<double>(tensor) : copied<float>(tensor);
}

}  // namespace heronry
