#ifndef PGSLUICE_KEPT_FILE_LINUX_H_
#define PGSLUICE_KEPT_FILE_LINUX_H_

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cmath>
#include <string>
#include <utility>

// A file of /proc or /sys that is opened once and read many times. pread at offset 0 makes the kernel
// produce the content anew; open and close, which cost more than the reading, happen once.
class KeptFile {
 public:
  KeptFile() = default;
  explicit KeptFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  KeptFile(KeptFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  KeptFile& operator=(KeptFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  KeptFile(const KeptFile&) = delete;
  KeptFile& operator=(const KeptFile&) = delete;
  ~KeptFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool is_open() const { return fd_ >= 0; }

  // Fills the buffer from the file's start and ends it with NUL; false when nothing could be read.
  bool read(char* buffer, size_t capacity) const {
    if (fd_ < 0) return false;
    ssize_t length;
    do {
      length = ::pread(fd_, buffer, capacity - 1, 0);
    } while (length < 0 && errno == EINTR);
    if (length <= 0) return false;
    buffer[length] = '\0';
    return true;
  }

  // The number that the file starts with; NaN for anything else ("max", a vanished cgroup).
  double read_number() const {
    char text[64];
    return read(text, sizeof text) ? number_at(text) : NAN;
  }

  // The decimal number at `text`, after any spaces; NaN when there is none. strtod would read the decimal point of the
  // process's locale.
  static double number_at(const char* text) {
    while (*text == ' ' || *text == '\t') ++text;
    const double sign = *text == '-' ? -1 : 1;
    if (*text == '-') ++text;
    if (*text < '0' || *text > '9') return NAN;
    double value = 0;
    for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + (*text - '0');
    if (*text == '.') {
      double weight = 0.1;
      for (++text; *text >= '0' && *text <= '9'; ++text, weight /= 10) value += weight * (*text - '0');
    }
    return sign * value;
  }

  // The number after `key` where `key` begins a line ("MemTotal:", "inactive_file "); NaN when absent.
  static double number_after(const char* text, const char* key) {
    const size_t length = ::strlen(key);
    for (const char* line = text; line != nullptr && *line != '\0';) {
      if (::strncmp(line, key, length) == 0) return number_at(line + length);
      line = ::strchr(line, '\n');
      if (line != nullptr) ++line;
    }
    return NAN;
  }

 private:
  int fd_ = -1;
};

#endif  // PGSLUICE_KEPT_FILE_LINUX_H_
