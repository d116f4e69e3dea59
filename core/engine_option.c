#include "core/engine_option.h"

#include <string.h>
#include <unistd.h>

#include "core/base/usage.h"
#include "core/config.h"

static const char *const names[] = {[MIPS_INTERP] = "interp", [MIPS_JIT] = "jit"};

enum mips_engine engine_default(void)
{
    return mips_engine_available(MIPS_JIT) ? MIPS_JIT : MIPS_INTERP;
}

const char *engine_name(enum mips_engine engine)
{
    return names[engine];
}

enum mips_engine engine_parse(const char *arg)
{
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(arg, names[i]) != 0)
            continue;
        if (!mips_engine_available((enum mips_engine)i))
            usage_error("--engine %s: not on this host's processor (interp runs everywhere)", arg);
        return (enum mips_engine)i;
    }
    usage_error("--engine %s: wanted jit or interp", arg);
}

unsigned host_processors(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : (unsigned)processors;
}

unsigned host_threads(unsigned wanted)
{
    if (wanted != 0)
        return wanted;
    return host_processors() < VMS_MAX ? host_processors() : VMS_MAX;
}
