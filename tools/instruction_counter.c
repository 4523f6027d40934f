/* Counts guest instructions between marks, user and kernel apart, as a QEMU TCG plugin.

   A mark is the seven-byte no-operation 0F 1F 80 nn oo AD 5E: oo is 1 for start and 2 for stop, nn the number. A stop
   writes one line "COUNT number user kernel" to the file of the argument out=. An instruction is the kernel's when its
   address lies in the upper half. Marks are not counted. With the arguments profile=FILE and sample=N the N-th pair of
   marks also writes how often each instruction ran between them, as lines "address count".

   Distributions ship QEMU without qemu-plugin.h, so what is used of the interface (version 1) is declared here.
   Source: QEMU's docs/devel/tcg-plugins. Build: gcc -O2 -shared -fPIC -o instruction_counter.so instruction_counter.c */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct tb;
struct insn;
enum { NO_REGISTERS = 0, ADD_U64 = 0 };

int qemu_plugin_version = 1;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct insn *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct insn *, int, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct tb *);
struct insn *qemu_plugin_tb_get_insn(const struct tb *, size_t);
const void *qemu_plugin_insn_data(const struct insn *);
size_t qemu_plugin_insn_size(const struct insn *);
uint64_t qemu_plugin_insn_vaddr(const struct insn *);

static uint64_t executed[2];            /* user, kernel */
static uint64_t at_start[256][2];
static FILE *out;

/* What a translated instruction counts in; one that is translated again gets another. */
struct place {
    struct place *next;
    uint64_t address, count;
};
static struct place *places;
static const char *profile;
static unsigned long sample, starts;

static void begin_profile(void)
{
    for (struct place *p = places; p; p = p->next)
        p->count = 0;
}

static void end_profile(void)
{
    FILE *file = fopen(profile, "w");
    for (struct place *p = places; file && p; p = p->next)
        if (p->count)
            fprintf(file, "%llx %llu\n", (unsigned long long)p->address, (unsigned long long)p->count);
    if (file)
        fclose(file);
}

static void on_mark(unsigned cpu, void *data)
{
    unsigned number = (uintptr_t)data & 0xFF, operation = (uintptr_t)data >> 8 & 0xFF;
    (void)cpu;
    if (operation == 1) {
        memcpy(at_start[number], executed, sizeof executed);
        if (profile && starts++ == sample)
            begin_profile();
    } else if (operation == 2 && out) {
        fprintf(out, "COUNT %u %llu %llu\n", number, (unsigned long long)(executed[0] - at_start[number][0]),
                (unsigned long long)(executed[1] - at_start[number][1]));
        fflush(out);
        if (profile && starts == sample + 1)
            end_profile();
    }
}

static bool is_mark(struct insn *insn, const unsigned char *bytes)
{
    return qemu_plugin_insn_size(insn) == 7 && bytes[0] == 0x0F && bytes[1] == 0x1F && bytes[2] == 0x80 &&
           bytes[5] == 0xAD && bytes[6] == 0x5E;
}

static void count(struct insn *insn)
{
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, &executed[address >> 63], 1);
    if (profile) {
        struct place *place = calloc(1, sizeof *place);
        if (!place)
            abort();
        *place = (struct place){places, address, 0};
        places = place;
        qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, &place->count, 1);
    }
}

static void on_translation(plugin_id id, struct tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const unsigned char *bytes = qemu_plugin_insn_data(insn);
        if (is_mark(insn, bytes))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, NO_REGISTERS,
                                                   (void *)(uintptr_t)(bytes[3] | bytes[4] << 8));
        else
            count(insn);
    }
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "w");
        else if (!strncmp(argv[i], "profile=", 8))
            profile = argv[i] + 8;
        else if (!strncmp(argv[i], "sample=", 7))
            sample = strtoul(argv[i] + 7, NULL, 10);
    if (!out) {
        fprintf(stderr, "instruction counter: give a file to write to, out=FILE\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
