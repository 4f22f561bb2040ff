/* What the guest's code and the program around it agree on; addresses are guest-physical. */
#ifndef WICK_KVM_GUEST_H
#define WICK_KVM_GUEST_H

#define REPORT_ADDRESS 0x09000000 /* where no memory lies; one byte: a station */

#define GUEST_MEMORY 0x40000000
#define GUEST_MEMORY_SIZE 0x200000
#define GUEST_CODE 0x40001000 /* one page, begun at its start */

#define LEVEL1 0x40010000 /* a GiB an entry */
#define LEVEL2 0x40011000 /* 2 MiB an entry, of the second GiB */
#define LEVEL3 0x40012000 /* 4 KiB an entry, all of the memory */

#define TOUCHED 0x40100000 /* where memory is tried, to ABSENT */
#define ABSENT 0x401ff000  /* a page that is mapped when it is missed */
#define ABSENT_ENTRY (LEVEL3 + 511 * 8)

/* Accessed, inner shareable, normal memory, for the kernel alone. */
#define PAGE 0x707

/* In the order in which they are passed. */
#define STATION_KERNEL 1
#define STATION_MEMORY 2
#define STATION_FAULT 3
#define STATION_PROGRAM 4
#define STATION_WORK 5
#define STATION_FAILED 0xff /* something was not what it should be */

#endif
