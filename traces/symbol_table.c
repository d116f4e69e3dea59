#include "traces/symbol_table.h"

#include <stdlib.h>
#include <string.h>

#include "traces/message_priv.h"

void message_put_symbols(const struct trace_symbols *s, struct buf *out)
{
    Disco__Symbols msg = DISCO__SYMBOLS__INIT;
    msg.vm = s->vm;
    msg.cycle = s->cycle;
    msg.count = s->count;
    msg.hash = bytes(s->table.byte, sizeof s->table.byte);
    PUT(out, TRACE_FIELD_SYMBOLS, symbols, &msg);
}

int message_get_symbols(const uint8_t *data, size_t n, struct trace_symbols *s, struct err *e)
{
    Disco__Symbols *msg = disco__symbols__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (symbols)");
    *s = (struct trace_symbols){.vm = msg->vm, .cycle = msg->cycle, .count = msg->count};
    bool valid = msg->base.n_unknown_fields == 0 && hash_get(&msg->hash, &s->table) &&
                 msg->count >= 1 && msg->count <= KERNEL_SYMBOLS_MAX;
    disco__symbols__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad symbols");
}

bool symbol_table_pack(const struct kernel_symbol *list, size_t count, struct buf *out)
{
    Disco__SymbolTable msg = DISCO__SYMBOL_TABLE__INIT;
    struct buf names = {0};
    uint64_t *deltas = xcalloc(count, sizeof deltas[0]);
    uint8_t *types = xcalloc(count, 1);
    for (size_t i = 0; i < count; i++) {
        deltas[i] = i == 0 ? list[0].address : list[i].address - list[i - 1].address;
        types[i] = (uint8_t)list[i].type;
        buf_put(&names, list[i].name, strlen(list[i].name) + 1);
    }
    msg.n_delta = count;
    msg.delta = deltas;
    msg.types = bytes(types, count);
    msg.names = bytes(names.data, names.len);
    size_t n = disco__symbol_table__get_packed_size(&msg);
    buf_clear(out);
    if (n <= SYMBOL_TABLE_MAX) {
        disco__symbol_table__pack(&msg, buf_reserve(out, n));
        out->len = n;
    }
    free(types);
    free(deltas);
    buf_free(&names);
    return n <= SYMBOL_TABLE_MAX;
}

static bool is_printable(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] > '~')
            return false;
    return true;
}

/* Pairs names, types and addresses; t->memory has the names. */
static bool take_table(const Disco__SymbolTable *msg, struct symbol_table *t)
{
    const char *name = t->memory, *end = name + msg->names.len;
    uint64_t address = 0;
    for (size_t i = 0; i < msg->n_delta; i++) {
        size_t len = strnlen(name, (size_t)(end - name));
        const char *type = (const char *)msg->types.data + i;
        if (len == 0 || len > KERNEL_NAME_MAX || name + len == end || !is_printable(name, len) ||
            !is_printable(type, 1) || msg->delta[i] > UINT64_MAX - address)
            return false;
        address += msg->delta[i];
        t->list[t->count++] = (struct kernel_symbol){address, name, *type};
        name += len + 1;
    }
    return name == end;
}

int symbol_table_unpack(const uint8_t *data, size_t n, struct symbol_table *t, struct err *e)
{
    *t = (struct symbol_table){0};
    Disco__SymbolTable *msg =
        n > SYMBOL_TABLE_MAX ? NULL : disco__symbol_table__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a blob is no table of symbols");
    bool valid = msg->base.n_unknown_fields == 0 && msg->n_delta >= 1 &&
                 msg->n_delta <= KERNEL_SYMBOLS_MAX && msg->types.len == msg->n_delta &&
                 msg->names.len >= 2;
    if (valid) {
        t->memory = memcpy(xmalloc(msg->names.len), msg->names.data, msg->names.len);
        t->list = xcalloc(msg->n_delta, sizeof t->list[0]);
        valid = take_table(msg, t);
    }
    disco__symbol_table__free_unpacked(msg, NULL);
    if (valid)
        return 0;
    symbol_table_free(t);
    ERR(e, ERR_FORMAT, "a table of symbols is damaged");
}

void symbol_table_free(struct symbol_table *t)
{
    free(t->list);
    free(t->memory);
    *t = (struct symbol_table){0};
}
