// Linux: files of /proc and the cgroup file systems, opened once per process.
//
// What is cheap is read at each call (1-2 us). The rest is read again only when it is older than it
// may be, since each of those files costs the kernel 2 to 9 us to write:
//   memory (50 ms)   host memory, memory use of the cgroup
//   cpu    (100 ms)  CPU sums of host and cgroup (they tick 100 times a second), threads, peak RSS
//   slow   (1 s)     limits and quotas, pressure stall averages (the kernel renews them every 2 s), disk
#include "process_stats.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>

#include <algorithm>
#include <memory>

#include "cgroup_linux.h"
#include "kept_file_linux.h"

namespace {

constexpr double kMemoryMaxAgeMs = 50;
constexpr double kCpuMaxAgeMs = 100;
constexpr double kSlowMaxAgeMs = 1000;

double now_ms() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

class Reader {
 public:
  explicit Reader(const ProcessStatsSources& sources)
      : sources_(sources),
        statm_(sources.root + "/proc/self/statm"),
        status_(sources.root + "/proc/self/status"),
        meminfo_(sources.root + "/proc/meminfo"),
        stat_(sources.root + "/proc/stat"),
        psi_memory_(sources.root + "/proc/pressure/memory"),
        psi_cpu_(sources.root + "/proc/pressure/cpu"),
        cgroup_(sources.root) {
    double* fields = reinterpret_cast<double*>(&stats_);
    std::fill(fields, fields + kProcessStatsFields, NAN);
    // A process pinned to some cores (docker --cpuset-cpus, taskset) is short of CPU when those cores are busy.
    pinned_ = ::sched_getaffinity(0, sizeof cores_, &cores_) == 0 &&
              CPU_COUNT(&cores_) < ::sysconf(_SC_NPROCESSORS_ONLN);
  }

  bool reads_from(const ProcessStatsSources& sources) const {
    return sources.disk_path == sources_.disk_path && sources.root == sources_.root;
  }

  const ProcessStats& read() {
    const double now = now_ms();
    stats_.at_ms = now;
    read_process();
    // Limits come first: the level they choose decides what the memory group reads.
    if (!(now - slow_at_ < kSlowMaxAgeMs)) read_slow(now);
    if (!(now - memory_at_ < kMemoryMaxAgeMs)) read_memory(now);
    if (!(now - stats_.cpu_at_ms < kCpuMaxAgeMs)) read_cpu(now);
    stats_.peak_rss_bytes = std::fmax(stats_.peak_rss_bytes, stats_.rss_bytes);
    return stats_;
  }

 private:
  void read_process() {
    char text[256];
    stats_.rss_bytes = NAN;
    if (statm_.read(text, sizeof text)) {
      const char* resident = ::strchr(text, ' ');
      if (resident != nullptr) stats_.rss_bytes = KeptFile::number_at(resident) * page_bytes_;
    }
    rusage usage;
    if (::getrusage(RUSAGE_SELF, &usage) != 0) return;
    stats_.user_cpu_seconds = seconds(usage.ru_utime);
    stats_.system_cpu_seconds = seconds(usage.ru_stime);
    stats_.minor_faults = static_cast<double>(usage.ru_minflt);
    stats_.major_faults = static_cast<double>(usage.ru_majflt);
    stats_.voluntary_switches = static_cast<double>(usage.ru_nvcsw);
    stats_.involuntary_switches = static_cast<double>(usage.ru_nivcsw);
  }

  void read_memory(double now) {
    memory_at_ = now;
    stats_.host_memory_available_bytes = host_memory("MemAvailable:");
    stats_.cgroup_memory_used_bytes = cgroup_.memory_used_bytes();
  }

  void read_cpu(double now) {
    stats_.cpu_at_ms = now;
    read_host_cpu();
    stats_.cgroup_cpu_used_seconds = cgroup_.cpu_used_seconds();
    if (!status_.read(large_, sizeof large_)) return;
    stats_.threads = KeptFile::number_after(large_, "Threads:");
    // ru_maxrss would not do: across fork and exec it keeps the peak of the process that started this one.
    stats_.peak_rss_bytes = std::fmax(stats_.peak_rss_bytes, KeptFile::number_after(large_, "VmHWM:") * 1024);
  }

  void read_slow(double now) {
    slow_at_ = now;
    stats_.host_memory_total_bytes = host_memory("MemTotal:");
    cgroup_.refresh_limits(stats_.host_memory_total_bytes);
    stats_.cgroup_memory_limit_bytes = cgroup_.memory_limit_bytes();
    stats_.cgroup_cpu_quota_cores = cgroup_.cpu_quota_cores();
    stats_.psi_memory_some_percent = some_avg10(psi_memory_);
    stats_.psi_cpu_some_percent = some_avg10(psi_cpu_);
    read_disk();
  }

  double host_memory(const char* key) {
    return meminfo_.read(large_, sizeof large_) ? KeptFile::number_after(large_, key) * 1024 : NAN;
  }

  // Lines "cpu user nice system idle iowait irq softirq steal guest guest_nice"; guest time is part of
  // user time already.
  void read_host_cpu() {
    stats_.host_cpu_busy_seconds = stats_.host_cpu_total_seconds = NAN;
    if (!stat_.read(large_, sizeof large_)) return;
    double busy = 0;
    double total = 0;
    for (const char* line = large_; ::strncmp(line, "cpu", 3) == 0;) {
      const double core = KeptFile::number_at(line + 3);
      const bool sum_of_all = line[3] == ' ';
      const bool counts = pinned_ ? !sum_of_all && core < CPU_SETSIZE && CPU_ISSET(static_cast<int>(core), &cores_)
                                  : sum_of_all;
      const char* field = ::strchr(line, ' ');
      for (int i = 0; counts && i < 8 && field != nullptr; ++i) {
        while (*field == ' ') ++field;
        const double ticks = KeptFile::number_at(field);
        total += ticks;
        if (i != 3 && i != 4) busy += ticks;
        field = ::strchr(field, ' ');
      }
      line = ::strchr(line, '\n');
      if (line == nullptr || !pinned_) break;
      ++line;
    }
    stats_.host_cpu_busy_seconds = busy / ticks_per_second_;
    stats_.host_cpu_total_seconds = total / ticks_per_second_;
  }

  static double some_avg10(const KeptFile& file) {
    char text[256];
    return file.read(text, sizeof text) ? KeptFile::number_after(text, "some avg10=") : NAN;
  }

  void read_disk() {
    stats_.disk_total_bytes = stats_.disk_used_bytes = NAN;
    struct statvfs fs;
    if (::statvfs(sources_.disk_path.c_str(), &fs) != 0) return;
    const double unit = static_cast<double>(fs.f_frsize);
    stats_.disk_used_bytes = unit * static_cast<double>(fs.f_blocks - fs.f_bfree);
    // As df counts: blocks reserved for root are not available to us.
    stats_.disk_total_bytes = stats_.disk_used_bytes + unit * static_cast<double>(fs.f_bavail);
  }

  const ProcessStatsSources sources_;
  const double page_bytes_ = static_cast<double>(::sysconf(_SC_PAGESIZE));
  const double ticks_per_second_ = static_cast<double>(::sysconf(_SC_CLK_TCK));
  KeptFile statm_, status_, meminfo_, stat_, psi_memory_, psi_cpu_;
  Cgroup cgroup_;
  cpu_set_t cores_;
  bool pinned_ = false;
  double memory_at_ = NAN;
  double slow_at_ = NAN;
  ProcessStats stats_;
  // Large enough for the lines of /proc/stat of some 500 cores.
  char large_[32768];
};

}  // namespace

void read_process_stats(const ProcessStatsSources& sources, ProcessStats* out) {
  // Never deleted at exit, because a worker thread may still be sampling while static objects are destroyed.
  static Reader* reader = nullptr;
  if (reader == nullptr || !reader->reads_from(sources)) {
    delete reader;
    reader = new Reader(sources);
  }
  *out = reader->read();
}
