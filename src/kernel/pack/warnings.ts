/** What a kernel loses by being packed, in words. */
export function lostByPacking(kernel: {
  readonly efi: boolean;
  readonly signed: boolean;
}): string[] {
  return [
    ...(kernel.efi ? ["the packed file boots by the Linux protocol alone, not from EFI"] : []),
    ...(kernel.signed ? ["the kernel's signature does not hold for the packed file"] : []),
  ];
}
