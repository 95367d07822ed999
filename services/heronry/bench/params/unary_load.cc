// Calls one unary method again and again with the same request, any method of any service.
//
//   unary_load ADDRESS METHOD REQUEST_FILE SECONDS IN_FLIGHT
//
// One thread keeps all calls in flight: a thread each would take the server's cores to wake them.
// Prints one JSON line: answers, seconds, p50 and p99 in microseconds.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string FileText(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// One call in flight; made anew for the next one.
struct Call {
  grpc::ClientContext context;
  grpc::ByteBuffer reply;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
  double begun = Now();
};

class Caller {
 public:
  Caller(const std::shared_ptr<grpc::Channel>& channel, std::string method, const std::string& request)
      : stub_(channel), method_(std::move(method)), slice_(request) {}

  // Returns the seconds of each call that began before `end`.
  std::vector<double> Run(size_t in_flight, double end) {
    for (size_t i = 0; i < in_flight; ++i) Begin();
    std::vector<double> seconds;
    void* tag = nullptr;
    bool ok = false;
    while (in_flight > 0 && queue_.Next(&tag, &ok)) {
      const std::unique_ptr<Call> done(static_cast<Call*>(tag));
      Check(done->status);
      const double now = Now();
      seconds.push_back(now - done->begun);
      if (now < end)
        Begin();
      else
        --in_flight;
    }
    return seconds;
  }

 private:
  void Begin() {
    auto call = std::make_unique<Call>();
    call->context.AddMetadata("heronry-client-id", "unary-load");
    call->reader = stub_.PrepareUnaryCall(&call->context, method_, grpc::ByteBuffer(&slice_, 1), &queue_);
    call->reader->StartCall();
    Call* tag = call.release();
    tag->reader->Finish(&tag->reply, &tag->status, tag);
  }

  static void Check(const grpc::Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "%s\n", status.error_message().c_str());
    std::exit(1);
  }

  grpc::GenericStub stub_;
  std::string method_;
  grpc::Slice slice_;
  grpc::CompletionQueue queue_;
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
  Caller caller(channel, argv[2], FileText(argv[3]));
  const double begun = Now();
  std::vector<double> all = caller.Run(std::strtoul(argv[5], nullptr, 10), begun + std::strtod(argv[4], nullptr));
  const double took = Now() - begun;
  std::sort(all.begin(), all.end());
  if (all.empty()) return 1;
  const double p50 = all[all.size() / 2], p99 = all[all.size() * 99 / 100];
  std::printf("{\"num_calls\": %zu, \"seconds\": %.4f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", all.size(), took, p50 * 1e6, p99 * 1e6);
  return 0;
}
