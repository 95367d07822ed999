// Calls one unary method again and again with the same request, any method of any service.
//
//   unary_load ADDRESS METHOD REQUEST_FILE SECONDS IN_FLIGHT
//
// Prints one JSON line: answers, seconds, p50 and p99 in microseconds.
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string FileText(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Caller {
 public:
  Caller(std::shared_ptr<grpc::Channel> channel, const char* method, const std::string& request)
      : channel_(std::move(channel)), method_(method, grpc::internal::RpcMethod::NORMAL_RPC), request_(request) {}

  // Returns the seconds of each call until `end`.
  std::vector<double> Run(double end) const {
    std::vector<double> seconds;
    for (double begun = Now(); begun < end; begun = Now()) {
      grpc::ClientContext context;
      context.AddMetadata("heronry-client-id", "unary-load");
      grpc::Slice slice(request_);
      grpc::ByteBuffer request(&slice, 1), reply;
      const grpc::Status status =
          grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(channel_.get(), method_, &context, request, &reply);
      if (!status.ok()) {
        std::fprintf(stderr, "%s\n", status.error_message().c_str());
        std::exit(1);
      }
      seconds.push_back(Now() - begun);
    }
    return seconds;
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  grpc::internal::RpcMethod method_;
  std::string request_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: unary_load ADDRESS METHOD REQUEST_FILE SECONDS IN_FLIGHT\n");
    return 2;
  }
  auto channel = grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials());
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) {
    std::fprintf(stderr, "no server at %s\n", argv[1]);
    return 1;
  }
  const Caller caller(channel, argv[2], FileText(argv[3]));
  const size_t in_flight = std::strtoul(argv[5], nullptr, 10);
  const double begun = Now(), end = begun + std::strtod(argv[4], nullptr);
  std::vector<std::vector<double>> each(in_flight);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < in_flight; ++i) threads.emplace_back([&, i] { each[i] = caller.Run(end); });
  for (auto& thread : threads) thread.join();
  const double took = Now() - begun;
  std::vector<double> all;
  for (const auto& seconds : each) all.insert(all.end(), seconds.begin(), seconds.end());
  std::sort(all.begin(), all.end());
  if (all.empty()) return 1;
  const double p50 = all[all.size() / 2], p99 = all[all.size() * 99 / 100];
  std::printf("{\"num_calls\": %zu, \"seconds\": %.4f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", all.size(), took, p50 * 1e6, p99 * 1e6);
  return 0;
}
