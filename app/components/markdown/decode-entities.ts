let field: HTMLTextAreaElement | undefined

/**
 * The characters that one reference (`&eacute;`) stands for; itself when it is none. The browser knows the two thousand names: a table of
 * them would weigh as much as the parser that asks (`scripts/replace-imports.ts`). In a text field, nothing that is decoded can become an element.
 */
export function decodeHTMLStrict(reference: string): string {
  field ??= document.createElement('textarea')
  field.innerHTML = reference
  const decoded = field.textContent
  // Old names count without their semicolon, too, for a browser: `&notit;` would be read as `¬it;`.
  return decoded.endsWith(';') && reference !== '&semi;' ? reference : decoded
}

/** Its importers ask for single references only, and a browser knows no stricter and laxer ones. */
export function decodeHTML(reference: string): string {
  return decodeHTMLStrict(reference)
}
