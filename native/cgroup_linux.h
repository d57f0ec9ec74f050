#ifndef PGSLUICE_CGROUP_LINUX_H_
#define PGSLUICE_CGROUP_LINUX_H_

#include <string>
#include <vector>

#include "kept_file_linux.h"

// The limits that the process's control groups set, version 1 or 2, and how much of them is used.
// A limit of any ancestor binds as well, so the groups from the process's own up to the mount point
// are kept, and the tightest limit counts.
class Cgroup {
 public:
  explicit Cgroup(const std::string& root);

  // Chooses the tightest levels anew, because limits can change while the process runs. A memory limit at or above
  // `host_memory_bytes` is none (version 1 writes "unlimited" as a huge number).
  void refresh_limits(double host_memory_bytes);

  double memory_limit_bytes() const { return memory_limit_; }
  double cpu_quota_cores() const { return cpu_quota_; }
  // Use of the group whose limit counts; NaN without a limit.
  double memory_used_bytes() const;
  double cpu_used_seconds() const;

 private:
  struct MemoryLevel {
    KeptFile limit;
    KeptFile high;
    KeptFile used;
    KeptFile stat;
  };
  struct CpuLevel {
    // Version 2 has "quota period" in one file, and no `period`.
    KeptFile quota;
    KeptFile period;
    KeptFile used;
  };

  void add_version_2(const std::string& directory);
  void add_version_1_memory(const std::string& directory);
  void add_version_1_cpu(const std::string& directory, const std::string& accounting_directory);

  std::vector<MemoryLevel> memory_;
  std::vector<CpuLevel> cpu_;
  int memory_level_ = -1;
  int cpu_level_ = -1;
  double memory_limit_ = NAN;
  double cpu_quota_ = NAN;
};

#endif  // PGSLUICE_CGROUP_LINUX_H_
