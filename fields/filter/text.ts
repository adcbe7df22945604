/**
 * A text in the kernel's filter language, which has quotes of two kinds and no escapes; undefined when it has both, a
 * control character, or more bytes than the kernel takes. A `*` or `?` outside `~` is taken literally there.
 */
export function quoteForKernel(value: string, maxBytes: number): string | undefined {
  if (/\p{Cc}/u.test(value) || new TextEncoder().encode(value).length > maxBytes) return undefined;
  if (!value.includes('"')) return `"${value}"`;
  return value.includes("'") ? undefined : `'${value}'`;
}
