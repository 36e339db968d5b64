/**
 * Headers of every reply. Scripts and styles come from this gateway alone; images may also be part of a style sheet.
 * Nothing may frame the page, and no address of it leaves with a link.
 */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** What is true only now. */
export const notStored = { 'cache-control': 'no-store' } as const;
