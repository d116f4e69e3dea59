/*
 * An init that fails: the guest of the demonstration.
 *
 * It registers a few services, runs them in rounds, and dies of a wild pointer in the seventh. The
 * kernel then panics: "Attempted to kill init!". The store that broke the pointer happened long
 * before, in another function, and is found by walking back from the panic (tests/gdb/demo.gdb).
 *
 * The defect is meant: copy_name() does not know how long its destination is, and the name of the
 * last service runs over into the pointer behind it.
 *
 * The program stands alone, without libc: Linux o32 system calls, static, at a fixed address.
 */

enum { SERVICES = 4, ROUNDS = 100, WORK = 200000 };

enum { SYS_WRITE = 4004 };

struct service {
    unsigned period;   /* runs in every period-th round */
    char name[12];
    unsigned *runs;    /* its counter in run_counts */
};

static unsigned run_counts[SERVICES];
static struct service services[SERVICES];
static unsigned service_count;
static unsigned work_state = 1;

void __start(void);

static void system_write(const char *text, unsigned length)
{
    register unsigned number __asm__("$2") = SYS_WRITE;
    register unsigned fd __asm__("$4") = 1;
    register const char *buffer __asm__("$5") = text;
    register unsigned count __asm__("$6") = length;
    register unsigned failed __asm__("$7");

    __asm__ volatile("syscall"
                     : "+r"(number), "=r"(failed)
                     : "r"(fd), "r"(buffer), "r"(count)
                     : "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24",
                       "$25", "hi", "lo", "memory");
}

static void print(const char *text)
{
    unsigned length = 0;

    while (text[length] != '\0')
        length++;
    system_write(text, length);
}

static void __attribute__((noinline)) copy_name(char *to, const char *from)
{
    while ((*to++ = *from++) != '\0')
        continue;
}

static void __attribute__((noinline)) register_service(const char *name, unsigned period)
{
    struct service *service = &services[service_count];

    service->period = period;
    service->runs = &run_counts[service_count];
    copy_name(service->name, name);
    service_count++;
}

static void __attribute__((noinline)) do_work(void)
{
    for (unsigned i = 0; i < WORK; i++)
        work_state = work_state * 1103515245u + 12345u;
}

static void __attribute__((noinline)) run_service(struct service *service)
{
    print("init: running ");
    print(service->name);
    print("\n");
    do_work();
    *service->runs += 1;
}

void __start(void)
{
    print("init: started\n");
    register_service("console", 1);
    register_service("clock", 2);
    register_service("network", 3);
    register_service("network-watchdog", 7);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        for (unsigned i = 0; i < service_count; i++) {
            if (round % services[i].period == 0)
                run_service(&services[i]);
        }
    }
    print("init: done\n");
    for (;;)
        do_work();
}
