#include "registry.h"

namespace heronry::games {

std::map<std::string, Maker>& makers() {
  static std::map<std::string, Maker> all;
  return all;
}

}  // namespace heronry::games
