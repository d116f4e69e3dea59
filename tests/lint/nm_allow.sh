#!/bin/sh
# Checks that the layers whose results must be the same on every host (DESIGN.md, section 3) call
# nothing of the host that differs between two runs: clocks, randomness, sockets, processes.
#   sh tests/lint/nm_allow.sh LIBRARY...
#
# Every undefined symbol that is not defined in one of our libraries must be in the list below. A
# function that is missing there is not forbidden for ever: judge whether its result can differ
# between two runs and reach a guest, and add it if not.
set -eu

[ $# -gt 0 ] || {
    echo "usage: nm_allow.sh LIBRARY..." >&2
    exit 1
}

allowed='
    memcpy memmove memset memcmp memchr memrchr memmem rawmemchr
    strlen strnlen strcmp strncmp strcasecmp strncasecmp strchr strrchr strstr strdup strndup
    strcpy strncpy strcat strspn strcspn strtok_r strsep stpcpy strerror strerror_r
    strtol strtoul strtoll strtoull strtod
    malloc calloc realloc reallocarray free aligned_alloc posix_memalign
    qsort bsearch abs labs
    snprintf vsnprintf vasprintf asprintf sprintf printf fprintf vfprintf fputs fputc puts putchar fwrite fread fgets
    fflush fopen fclose fseek ftell ferror feof open_memstream perror stdin stdout stderr
    open open64 openat close read write pread pread64 pwrite pwrite64 lseek lseek64 fstat fstat64
    stat stat64 ftruncate ftruncate64 fallocate fallocate64 unlink fsync fdatasync fcntl fcntl64
    preadv pwritev readv writev flock readlink realpath
    mmap mmap64 munmap mprotect madvise memfd_create sysconf getpagesize
    pthread_create pthread_join pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock
    pthread_mutex_unlock pthread_mutexattr_init pthread_mutexattr_settype
    pthread_mutexattr_destroy pthread_self pthread_equal
    pthread_cond_init pthread_cond_destroy pthread_cond_wait
    pthread_cond_signal pthread_cond_broadcast sem_init sem_destroy sem_wait sem_post
    argp_parse program_invocation_short_name
    pthread_sigmask sigfillset sched_yield
    abort exit _exit on_exit sleep setjmp _setjmp __sigsetjmp longjmp siglongjmp
    sigaction sigemptyset signal
    ffs clz floor ceil fmod sqrt
    __errno_location __assert_fail __stack_chk_fail __tls_get_addr _GLOBAL_OFFSET_TABLE_
    __sigsetjmp_chk __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc
    __printf_chk __fprintf_chk __snprintf_chk __vsnprintf_chk __memcpy_chk __memset_chk
    __isoc99_sscanf sscanf __popcountdi2 __divti3 __udivti3 __modti3 __umodti3'
# Families of library functions that are pure functions of their arguments.
families='^(XXH|ZSTD_|elf|gelf_|protobuf_c_|__asan_|__ubsan_|__isoc23_)'

ours=$(nm --defined-only --extern-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u)
bad=0
for library in "$@"; do
    [ -f "$library" ] || {
        echo "nm_allow.sh: no file '$library'" >&2
        exit 1
    }
    case $library in
    *disco_base* | *disco_mips* | *disco_core* | *disco_replay*) ;;
    *) continue ;; # given only for the symbols that it defines
    esac
    found=$(nm --undefined-only "$library" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u |
        grep -vE "$families" | while read -r symbol; do
        echo "$ours" | grep -qxF -- "$symbol" && continue
        echo "$allowed" | tr -s ' ' '\n' | grep -qxF -- "$symbol" && continue
        echo "$symbol"
    done) || true
    if [ -n "$found" ]; then
        echo "$library calls what is not in the list of tests/lint/nm_allow.sh:"
        echo "$found"
        bad=1
    fi
done
exit $bad
