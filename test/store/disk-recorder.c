/*
 * Preloaded into a process, it records what the process does to the files whose path begins with RECORD_PREFIX:
 * writes, cuts, removals and syncs, in their order, in the file RECORD_LOG. A record is a header of five numbers of
 * 64 bits (kind, inode, offset, length, length of the path), the path, and the bytes written.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, CUT = 2, SYNC = 3, REMOVE = 4, CREATE = 5, SYNC_FOLDER = 6 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static const char *prefix;
static size_t prefix_length;
static char folder[PATH_MAX];

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))
typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off64_t);
typedef int (*fd_fn)(int);
typedef int (*cut_fn)(int, off64_t);
typedef int (*path_fn)(const char *);
typedef int (*open_fn)(const char *, int, ...);
typedef int (*openat_fn)(int, const char *, int, ...);

static int initialise(void) {
  if (log_fd >= 0) return 1;
  const char *path = getenv("RECORD_LOG");
  prefix = getenv("RECORD_PREFIX");
  if (path == NULL || prefix == NULL) return 0;
  prefix_length = strlen(prefix);
  strncpy(folder, prefix, sizeof folder - 1);
  *strrchr(folder, '/') = 0;
  log_fd = REAL(open_fn, "open64")(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  return log_fd >= 0;
}

static void put(const void *bytes, size_t length) {
  write_fn real = REAL(write_fn, "write");
  for (const char *at = bytes; length > 0;) {
    ssize_t done = real(log_fd, at, length);
    if (done < 0 && errno != EINTR) abort();
    if (done > 0) at += done, length -= done;
  }
}

static void record(uint64_t kind, const char *path, uint64_t inode, uint64_t offset, const void *bytes, uint64_t length) {
  uint64_t path_length = strlen(path);
  uint64_t header[5] = {kind, inode, offset, length, path_length};
  put(header, sizeof header);
  put(path, path_length);
  if (bytes != NULL) put(bytes, length);
}

/* The path of a watched file that is open; its folder counts for syncs. */
static int watched(int fd, char *path, uint64_t *inode) {
  int saved = errno;
  char link[64] = "/proc/self/fd/";
  char digits[16];
  int count = 0;
  unsigned number = (unsigned)fd;
  struct stat64 status;
  int answer = 0;
  if (fd >= 0 && initialise() && fd != log_fd && fstat64(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) {
    do digits[count++] = (char)('0' + number % 10); while ((number /= 10) > 0);
    size_t end = strlen(link);
    while (count > 0) link[end++] = digits[--count];
    link[end] = 0;
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length > 0) {
      path[length] = 0;
      *inode = status.st_ino;
      if (S_ISDIR(status.st_mode)) answer = strcmp(path, folder) == 0 ? 2 : 0;
      else answer = strncmp(path, prefix, prefix_length) == 0 ? 1 : 0;
    }
  }
  errno = saved;
  return answer;
}

#define RECORDED(call, kind, offset, bytes, length)                   \
  char path[PATH_MAX];                                                \
  uint64_t inode;                                                     \
  int is = watched(fd, path, &inode);                                 \
  if (is != 1) return call;                                           \
  pthread_mutex_lock(&lock);                                          \
  __typeof__(call) done = call;                                       \
  int saved = errno;                                                  \
  if (done >= 0) record(kind, path, inode, offset, bytes, length);    \
  pthread_mutex_unlock(&lock);                                        \
  errno = saved;                                                      \
  return done;

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  RECORDED(REAL(pwrite_fn, "pwrite64")(fd, bytes, length, offset), WRITE, (uint64_t)offset, bytes, (uint64_t)done)
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
  char path[PATH_MAX];
  uint64_t inode;
  if (watched(fd, path, &inode) != 1) return REAL(write_fn, "write")(fd, bytes, length);
  pthread_mutex_lock(&lock);
  struct stat64 status;
  fstat64(fd, &status);
  int appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
  off64_t offset = appends ? status.st_size : lseek64(fd, 0, SEEK_CUR);
  ssize_t done = REAL(write_fn, "write")(fd, bytes, length);
  int saved = errno;
  if (done > 0) record(WRITE, path, inode, (uint64_t)offset, bytes, (uint64_t)done);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return done;
}

int ftruncate64(int fd, off64_t length) {
  RECORDED(REAL(cut_fn, "ftruncate64")(fd, length), CUT, (uint64_t)length, NULL, 0)
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, const char *name) {
  char path[PATH_MAX];
  uint64_t inode;
  int is = watched(fd, path, &inode);
  fd_fn real = REAL(fd_fn, name);
  if (is == 0) return real(fd);
  pthread_mutex_lock(&lock);
  int done = real(fd);
  int saved = errno;
  if (done == 0) record(is == 2 ? SYNC_FOLDER : SYNC, path, inode, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return done;
}
int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

int unlink(const char *path) {
  struct stat64 status;
  if (!initialise() || strncmp(path, prefix, prefix_length) != 0 || stat64(path, &status) != 0) return REAL(path_fn, "unlink")(path);
  pthread_mutex_lock(&lock);
  int done = REAL(path_fn, "unlink")(path);
  int saved = errno;
  if (done == 0) record(REMOVE, path, status.st_ino, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return done;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
  openat_fn real = REAL(openat_fn, "openat64");
  if (!(flags & O_CREAT) || !initialise() || strncmp(path, prefix, prefix_length) != 0) return real(at, path, flags, mode);
  pthread_mutex_lock(&lock);
  struct stat64 status;
  int is_new = stat64(path, &status) != 0;
  int fd = real(at, path, flags, mode);
  int saved = errno;
  if (fd >= 0 && is_new && fstat64(fd, &status) == 0) record(CREATE, path, status.st_ino, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return fd;
}

#define MODE(flags)                                \
  mode_t mode = 0;                                 \
  if ((flags) & (O_CREAT | O_TMPFILE)) {           \
    va_list rest;                                  \
    va_start(rest, flags);                         \
    mode = va_arg(rest, mode_t);                   \
    va_end(rest);                                  \
  }
int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags | O_LARGEFILE, mode); }
