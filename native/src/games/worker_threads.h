// A few threads that wait for the next piece of work; started when they are first needed.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace heronry::games {

class WorkerThreads {
 public:
  explicit WorkerThreads(std::size_t num_threads) : num_threads_(num_threads) {}
  ~WorkerThreads() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    begun_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  std::size_t num_threads() const { return num_threads_; }

  // Calls part(0), in the caller's thread, to part(num_threads - 1), each in one of its own; part throws nothing.
  // Callers who share a game by mistake take turns here: two rounds at once would wait for each other for ever.
  void run(const std::function<void(std::size_t)>& part) {
    const std::lock_guard turn(running_);
    for (std::size_t i = threads_.size() + 1; i < num_threads_; ++i) threads_.emplace_back([this, i] { serve(i); });
    {
      const std::lock_guard lock(mutex_);
      part_ = &part;
      num_running_ = threads_.size();
      ++round_;
    }
    begun_.notify_all();
    part(0);
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return num_running_ == 0; });
  }

 private:
  void serve(std::size_t index) {
    std::unique_lock lock(mutex_);
    for (std::size_t served = 0;;) {
      begun_.wait(lock, [&] { return is_over_ || round_ != served; });
      if (is_over_) return;
      served = round_;
      lock.unlock();
      (*part_)(index);
      lock.lock();
      if (--num_running_ == 0) ended_.notify_one();
    }
  }

  const std::size_t num_threads_;
  std::vector<std::thread> threads_;
  std::mutex running_, mutex_;
  std::condition_variable begun_, ended_;
  const std::function<void(std::size_t)>* part_ = nullptr;
  std::size_t num_running_ = 0, round_ = 0;
  bool is_over_ = false;
};

}  // namespace heronry::games
