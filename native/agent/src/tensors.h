// Tensors by name.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace heronry {

using Tensors = std::map<std::string, at::Tensor>;

}  // namespace heronry
