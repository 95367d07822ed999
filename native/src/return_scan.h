// The backward linear recurrence behind GAE, TD(lambda), n-step returns and V-trace.
#pragma once

#include <cstddef>

namespace heronry {

// Fills a[t, b] = d[t, b] + c[t, b] * a[t + 1, b] with a[T, b] = 0, backwards over time-major
// [T, B] arrays without gaps. O(T B); rows are contiguous, so the inner loop vectorises over b.
template <typename Real>
void return_scan(const Real* deltas, const Real* coefficients, Real* out, std::size_t num_steps,
                 std::size_t batch_size) {
  for (std::size_t step = num_steps; step-- > 0;) {
    const Real* d = deltas + step * batch_size;
    const Real* c = coefficients + step * batch_size;
    Real* a = out + step * batch_size;
    if (step + 1 == num_steps) {
      for (std::size_t b = 0; b < batch_size; ++b) a[b] = d[b];
      continue;
    }
    const Real* next = a + batch_size;
    for (std::size_t b = 0; b < batch_size; ++b) a[b] = d[b] + c[b] * next[b];
  }
}

}  // namespace heronry
