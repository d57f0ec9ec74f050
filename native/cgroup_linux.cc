#include "cgroup_linux.h"

#include <fstream>
#include <sstream>

namespace {

// Deeper trees than this are not seen in practice; each level costs up to seven descriptors.
constexpr size_t kMaxLevels = 8;

struct Hierarchy {
  std::string mount_point;
  // The process's group, relative to the mount point: "" or "/a/b".
  std::string group;
};

bool has_word(const std::string& list, const std::string& word) {
  std::istringstream stream(list);
  for (std::string item; std::getline(stream, item, ',');) {
    if (item == word) return true;
  }
  return false;
}

// The process's group in /proc/self/cgroup, lines "id:controllers:path"; version 2 has no controllers.
bool find_group(const std::string& root, const std::string& controller, std::string* group) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : has_word(controllers, controller)) {
      *group = line.substr(second + 1);
      return true;
    }
  }
  return false;
}

// /proc/self/mountinfo: "id parent major:minor root mount-point options … - type source super-options".
bool find_mount(const std::string& root, const std::string& controller, std::string* mounted_group,
                std::string* mount_point) {
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::string skipped, type, source, options;
    std::istringstream(line.substr(dash + 3)) >> type >> source >> options;
    if (type != (controller.empty() ? "cgroup2" : "cgroup")) continue;
    if (!controller.empty() && !has_word(options, controller)) continue;
    std::istringstream(line) >> skipped >> skipped >> skipped >> *mounted_group >> *mount_point;
    return true;
  }
  return false;
}

// Without a cgroup namespace a container sees its full path in /proc/self/cgroup, while the mount starts at that very
// group. So the part that the mount's root covers is taken off the path.
bool find_hierarchy(const std::string& root, const std::string& controller, Hierarchy* out) {
  std::string group, mounted_group, mount_point;
  if (!find_group(root, controller, &group)) return false;
  if (!find_mount(root, controller, &mounted_group, &mount_point)) return false;
  if (mounted_group == "/") mounted_group.clear();
  const bool below = group.compare(0, mounted_group.size(), mounted_group) == 0 &&
                     (group.size() == mounted_group.size() || group[mounted_group.size()] == '/');
  out->mount_point = root + mount_point;
  out->group = below ? group.substr(mounted_group.size()) : "";
  if (out->group == "/") out->group.clear();
  return true;
}

// The directories of the group and its ancestors, the group's own first.
std::vector<std::string> groups_upwards(const Hierarchy& hierarchy) {
  std::vector<std::string> groups;
  std::string group = hierarchy.group;
  while (groups.size() < kMaxLevels) {
    groups.push_back(group);
    if (group.empty()) break;
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
  return groups;
}

}  // namespace

Cgroup::Cgroup(const std::string& root) {
  Hierarchy unified, memory, cpu, accounting;
  if (find_hierarchy(root, "", &unified)) {
    for (const std::string& group : groups_upwards(unified)) add_version_2(unified.mount_point + group);
  }
  if (find_hierarchy(root, "memory", &memory)) {
    for (const std::string& group : groups_upwards(memory)) add_version_1_memory(memory.mount_point + group);
  }
  if (find_hierarchy(root, "cpu", &cpu)) {
    if (!find_hierarchy(root, "cpuacct", &accounting)) accounting = cpu;
    for (const std::string& group : groups_upwards(cpu)) {
      add_version_1_cpu(cpu.mount_point + group, accounting.mount_point + group);
    }
  }
}

void Cgroup::add_version_2(const std::string& directory) {
  MemoryLevel memory{KeptFile(directory + "/memory.max"), KeptFile(directory + "/memory.high"),
                     KeptFile(directory + "/memory.current"), KeptFile(directory + "/memory.stat")};
  if (memory.limit.is_open() && memory.used.is_open()) memory_.push_back(std::move(memory));
  CpuLevel cpu{KeptFile(directory + "/cpu.max"), KeptFile(), KeptFile(directory + "/cpu.stat")};
  if (cpu.quota.is_open()) cpu_.push_back(std::move(cpu));
}

void Cgroup::add_version_1_memory(const std::string& directory) {
  MemoryLevel level{KeptFile(directory + "/memory.limit_in_bytes"), KeptFile(),
                    KeptFile(directory + "/memory.usage_in_bytes"), KeptFile(directory + "/memory.stat")};
  if (level.limit.is_open() && level.used.is_open()) memory_.push_back(std::move(level));
}

void Cgroup::add_version_1_cpu(const std::string& directory, const std::string& accounting_directory) {
  CpuLevel level{KeptFile(directory + "/cpu.cfs_quota_us"), KeptFile(directory + "/cpu.cfs_period_us"),
                 KeptFile(accounting_directory + "/cpuacct.usage")};
  if (level.quota.is_open() && level.period.is_open()) cpu_.push_back(std::move(level));
}

void Cgroup::refresh_limits(double host_memory_bytes) {
  memory_level_ = -1;
  memory_limit_ = NAN;
  for (size_t i = 0; i < memory_.size(); ++i) {
    // Above memory.high the kernel stalls the group rather than killing it, so that is a limit for us too.
    const double limit = std::fmin(memory_[i].limit.read_number(), memory_[i].high.read_number());
    if (!(limit > 0) || limit >= host_memory_bytes) continue;
    // Among equal limits the ancestor's counts: it also carries what its other children use.
    if (memory_level_ >= 0 && limit > memory_limit_) continue;
    memory_level_ = static_cast<int>(i);
    memory_limit_ = limit;
  }
  cpu_level_ = -1;
  cpu_quota_ = NAN;
  for (size_t i = 0; i < cpu_.size(); ++i) {
    char text[64];
    if (!cpu_[i].quota.read(text, sizeof text)) continue;
    const char* space = ::strchr(text, ' ');
    const double period = cpu_[i].period.is_open() ? cpu_[i].period.read_number()
                          : space == nullptr       ? NAN
                                                   : KeptFile::number_at(space);
    const double cores = KeptFile::number_at(text) / period;
    if (!(cores > 0) || !std::isfinite(cores) || (cpu_level_ >= 0 && cores > cpu_quota_)) continue;
    cpu_level_ = static_cast<int>(i);
    cpu_quota_ = cores;
  }
}

double Cgroup::memory_used_bytes() const {
  if (memory_level_ < 0) return NAN;
  const MemoryLevel& level = memory_[static_cast<size_t>(memory_level_)];
  const double used = level.used.read_number();
  // The group is charged for the page cache of every file that it reads or writes. So a container
  // that writes a large file stands at its limit without being short of memory. The kernel takes inactive
  // pages back before it kills; container tools report use without them, and so do we.
  char text[8192];
  if (!level.stat.read(text, sizeof text)) return used;
  double cache = KeptFile::number_after(text, "total_inactive_file ");
  if (std::isnan(cache)) cache = KeptFile::number_after(text, "inactive_file ");
  return std::isnan(cache) ? used : std::fmax(used - cache, 0);
}

double Cgroup::cpu_used_seconds() const {
  if (cpu_level_ < 0) return NAN;
  const CpuLevel& level = cpu_[static_cast<size_t>(cpu_level_)];
  if (level.period.is_open()) return level.used.read_number() / 1e9;
  char text[1024];
  return level.used.read(text, sizeof text) ? KeptFile::number_after(text, "usage_usec ") / 1e6 : NAN;
}
