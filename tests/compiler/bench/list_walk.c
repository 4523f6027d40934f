/* Walks a linked list and reverses it. */
#include <stdint.h>

#define SIZE 1000

struct node {
    uint64_t value;
    struct node *next;
};

static struct node nodes[SIZE];

static uint64_t walk(struct node *head, uint64_t extra) {
    uint64_t total = 0;
    for (struct node *node = head; node; node = node->next) {
        total += node->value ^ extra;
        node->value++;
    }
    return total;
}

static struct node *reverse(struct node *head) {
    struct node *before = 0, *node = head;
    while (node) {
        struct node *following = node->next;
        node->next = before;
        before = node;
        node = following;
    }
    return before;
}

uint64_t run(uint64_t count) {
    struct node *head = 0;
    for (uint64_t i = 0; i < SIZE; i++) {
        struct node *node = &nodes[i * 7 % SIZE];
        node->value = i;
        node->next = head;
        head = node;
    }
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; i++) {
        total = total * 3 + walk(head, i);
        head = reverse(head);
    }
    return total;
}
