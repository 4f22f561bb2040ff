/* What the guest's code and the program around it agree on. */
#ifndef WICK_KVM_GUEST_H
#define WICK_KVM_GUEST_H

#define GUEST_CODE 0x1000 /* where the code lies and begins, in real mode */
#define GUEST_MEMORY 0x200000

#define REPORT_PORT 0xf4 /* one byte: a station */

/* In the order in which they are passed. */
#define STATION_REAL 1
#define STATION_PROTECTED 2
#define STATION_LONG 3
#define STATION_MEMORY 4
#define STATION_FAULT 5
#define STATION_CPUID 6
#define STATION_TIMER 7
#define STATION_PROGRAM 8
#define STATION_WORK 9
#define STATION_FAILED 0xff /* something was not what it should be */

#define TIMER_VECTOR 0x20
#define CALL_VECTOR 0x30

#endif
