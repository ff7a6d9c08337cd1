// Linked into muster-agent only (packaging/agent/build). The Swift runtime's static libraries were compiled against a
// newer glibc than EL8's 2.28; this file supplies what they ask for beyond it, so that one agent starts everywhere.

// libstdc++ since GCC 11 reads this flag of glibc 2.32 to skip atomics in single-threaded programs. The agent never is.
char __libc_single_threaded __attribute__((visibility("hidden"))) = 0;

// glibc 2.29 gave these functions new versions that differ only in how they report errors through errno. Bound by
// default to the newest, they would refuse to start on EL8; the old ones compute the same values.
#define BIND_TO_BASE_VERSION(result, name, parameters, arguments)                                                      \
    __asm__(".symver base_" #name ", " #name "@GLIBC_2.2.5");                                                          \
    extern result base_##name parameters;                                                                              \
    __attribute__((visibility("hidden"))) result name parameters { return base_##name arguments; }

BIND_TO_BASE_VERSION(double, exp, (double x), (x))
BIND_TO_BASE_VERSION(double, exp2, (double x), (x))
BIND_TO_BASE_VERSION(double, log, (double x), (x))
BIND_TO_BASE_VERSION(double, log2, (double x), (x))
BIND_TO_BASE_VERSION(double, pow, (double x, double y), (x, y))
BIND_TO_BASE_VERSION(float, expf, (float x), (x))
BIND_TO_BASE_VERSION(float, exp2f, (float x), (x))
BIND_TO_BASE_VERSION(float, logf, (float x), (x))
BIND_TO_BASE_VERSION(float, log2f, (float x), (x))
BIND_TO_BASE_VERSION(float, powf, (float x, float y), (x, y))
