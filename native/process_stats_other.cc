// macOS and the BSDs: what one cheap call gives, NaN for the rest. Where NaN stands for what decisions
// need (memory, CPU), the loader measures with Node's own calls instead.
#include "process_stats.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#ifdef __APPLE__
#include <mach/mach.h>
#endif

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void read_usage(ProcessStats* out) {
  rusage usage;
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return;
#ifdef __APPLE__
  const double unit = 1;
#else
  const double unit = 1024;
#endif
  out->peak_rss_bytes = unit * static_cast<double>(usage.ru_maxrss);
  out->user_cpu_seconds = seconds(usage.ru_utime);
  out->system_cpu_seconds = seconds(usage.ru_stime);
  out->minor_faults = static_cast<double>(usage.ru_minflt);
  out->major_faults = static_cast<double>(usage.ru_majflt);
  out->voluntary_switches = static_cast<double>(usage.ru_nvcsw);
  out->involuntary_switches = static_cast<double>(usage.ru_nivcsw);
}

void read_disk(const std::string& path, ProcessStats* out) {
  struct statvfs fs;
  if (::statvfs(path.c_str(), &fs) != 0) return;
  const double unit = static_cast<double>(fs.f_frsize);
  out->disk_used_bytes = unit * static_cast<double>(fs.f_blocks - fs.f_bfree);
  out->disk_total_bytes = out->disk_used_bytes + unit * static_cast<double>(fs.f_bavail);
}

#ifdef __APPLE__
void read_mach(ProcessStats* out) {
  // One port for the life of the process, because each mach_host_self() call takes another reference.
  static const mach_port_t host = mach_host_self();

  mach_task_basic_info_data_t task;
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, reinterpret_cast<task_info_t>(&task), &count) ==
      KERN_SUCCESS) {
    out->rss_bytes = static_cast<double>(task.resident_size);
  }

  vm_statistics64_data_t memory;
  count = HOST_VM_INFO64_COUNT;
  if (host_statistics64(host, HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&memory), &count) == KERN_SUCCESS) {
    // Inactive pages are given up on demand; psutil counts them in the same way.
    out->host_memory_available_bytes = static_cast<double>(vm_kernel_page_size) *
                                       (static_cast<double>(memory.free_count) + memory.inactive_count);
  }

  host_cpu_load_info_data_t cpu;
  count = HOST_CPU_LOAD_INFO_COUNT;
  if (host_statistics(host, HOST_CPU_LOAD_INFO, reinterpret_cast<host_info_t>(&cpu), &count) == KERN_SUCCESS) {
    const double ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    double total = 0;
    for (int state = 0; state < CPU_STATE_MAX; ++state) total += cpu.cpu_ticks[state];
    out->cpu_at_ms = out->at_ms;
    out->host_cpu_total_seconds = total / ticks_per_second;
    out->host_cpu_busy_seconds = (total - cpu.cpu_ticks[CPU_STATE_IDLE]) / ticks_per_second;
  }
}
#endif

}  // namespace

void read_process_stats(const ProcessStatsSources& sources, ProcessStats* out) {
  double* fields = reinterpret_cast<double*>(out);
  std::fill(fields, fields + kProcessStatsFields, NAN);
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  out->at_ms = static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
  read_usage(out);
  read_disk(sources.disk_path, out);
  out->host_memory_total_bytes =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
#ifdef __APPLE__
  read_mach(out);
#endif
}
