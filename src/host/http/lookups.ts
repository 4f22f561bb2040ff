let underWay = 0;

/** Notes that a name is being looked up, until the returned function is called. */
export function noteLookup(): () => void {
  underWay++;
  return () => {
    underWay--;
  };
}

/**
 * Whether a thread is looking up a host's name. That cannot be called off, and Node does not
 * exit before it has ended, however it is asked to (libuv joins its threads).
 */
export function isLookingUpNames(): boolean {
  return underWay > 0;
}
