/** `word` as one word of a POSIX shell, whatever its bytes: in single quotes where needed. */
export function quote(word: string): string {
  // An option may hold =, a first word with it would be an assignment.
  if (/^(?:-[\w@%+=:,./-]*|[\w@%+:,./-]+)$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Words as a command. */
export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(" ");
}

/**
 * Variables that a shell keeps for itself: setting them is an error in some shell or changes
 * how the script runs. Such a variable goes through env(1).
 */
const OWN =
  /^(UID|EUID|PPID|GROUPS|IFS|PWD|OLDPWD|OPTIND|OPTARG|LINENO|RANDOM|SECONDS|PS[0-4]|ENV|CDPATH|SHELLOPTS|SHLVL|DIRSTACK|FUNCNAME|HIST\w*|BASH\w*|_)$/;

/** Whether `export NAME=…` sets this variable in every POSIX shell. */
export function isPlainVariable(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && !OWN.test(name);
}
