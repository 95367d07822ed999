// A network with the memory that one thread evaluates it in.
#pragma once

#include "forward.h"

namespace heronry {

struct HostedNetwork {
  Network network;
  Workspace work;
};

}  // namespace heronry
