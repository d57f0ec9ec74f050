#ifndef PGSLUICE_PROCESS_STATS_H_
#define PGSLUICE_PROCESS_STATS_H_

#include <cstddef>
#include <string>

// One reading. It has only doubles, in the order of `toSample` in src/native/process-stats.ts, because it is copied
// into a Float64Array as it is. NaN means that the platform does not say, or that no limit is set.
struct ProcessStats {
  double at_ms;
  double rss_bytes;
  double peak_rss_bytes;
  double user_cpu_seconds;
  double system_cpu_seconds;
  double minor_faults;
  double major_faults;
  double voluntary_switches;
  double involuntary_switches;
  double threads;
  double host_memory_total_bytes;
  double host_memory_available_bytes;
  double cpu_at_ms;
  double host_cpu_busy_seconds;
  double host_cpu_total_seconds;
  double cgroup_memory_limit_bytes;
  double cgroup_memory_used_bytes;
  double cgroup_cpu_quota_cores;
  double cgroup_cpu_used_seconds;
  double psi_memory_some_percent;
  double psi_cpu_some_percent;
  double disk_total_bytes;
  double disk_used_bytes;
};

constexpr size_t kProcessStatsFields = sizeof(ProcessStats) / sizeof(double);

// The path to look at. Changing it makes the next reading start afresh.
struct ProcessStatsSources {
  std::string disk_path = ".";
  // Prefix of /proc and of cgroup mount points, for trees that are mounted (or recorded) elsewhere.
  std::string root;
};

// Fills all fields. It is not thread-safe: the caller holds a lock. It never throws or fails; it writes NaN instead.
void read_process_stats(const ProcessStatsSources& sources, ProcessStats* out);

#endif  // PGSLUICE_PROCESS_STATS_H_
