#include "packed_values.h"

namespace {

// The compiler turns this loop into vector instructions.
void narrow(const char16_t* text, size_t length, char* out) {
  for (size_t index = 0; index < length; ++index) out[index] = static_cast<char>(text[index]);
}

bool is_ascii(const char16_t* text, size_t length) {
  uint32_t all = 0;
  for (size_t index = 0; index < length; ++index) all |= text[index];
  return all < 0x80;
}

}  // namespace

char* put_utf8(char* at, const char16_t* text, size_t length) {
  if (is_ascii(text, length)) {
    narrow(text, length, at);
    return at + length;
  }
  for (size_t index = 0; index < length;) {
    size_t ascii = index;
    while (ascii < length && text[ascii] < 0x80) ++ascii;
    narrow(text + index, ascii - index, at);
    at += ascii - index;
    index = ascii;
    if (index == length) break;
    uint32_t code = text[index++];
    if (code >= 0xd800 && code < 0xe000) {
      const bool pair = code < 0xdc00 && index < length && text[index] >= 0xdc00 && text[index] < 0xe000;
      code = pair ? 0x10000 + ((code - 0xd800) << 10) + (text[index++] - 0xdc00u) : 0xfffd;
    }
    if (code < 0x800) {
      *at++ = static_cast<char>(0xc0 | code >> 6);
      *at++ = static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      *at++ = static_cast<char>(0xe0 | code >> 12);
      *at++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
      *at++ = static_cast<char>(0x80 | (code & 0x3f));
    } else {
      *at++ = static_cast<char>(0xf0 | code >> 18);
      *at++ = static_cast<char>(0x80 | (code >> 12 & 0x3f));
      *at++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
      *at++ = static_cast<char>(0x80 | (code & 0x3f));
    }
  }
  return at;
}

void append_utf8(const char16_t* text, size_t length, std::string* out) {
  const size_t start = out->size();
  out->resize(start + (is_ascii(text, length) ? length : length * 3));
  out->resize(static_cast<size_t>(put_utf8(&(*out)[start], text, length) - out->data()));
}
