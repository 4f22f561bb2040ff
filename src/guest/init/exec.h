/* How far the application's process came before it could not go on. */
#ifndef WICK_EXEC_H
#define WICK_EXEC_H

enum exec_step { EXEC_STEP_LIMITS, EXEC_STEP_DIRECTORY, EXEC_STEP_USER, EXEC_STEP_EXEC };

#endif
