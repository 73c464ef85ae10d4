/** A PDF of so many pages with nothing on them, in base64: some 80 bytes a page, where a provider reads thousands of tokens. */
export function blankPdf(pages: number): string {
  const numbers = Array.from({ length: pages }, (_, index) => index + 3)
  return Buffer.from([
    '%PDF-1.4',
    '1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj',
    `2 0 obj <</Type /Pages /Count ${pages} /Kids [${numbers.map(number => `${number} 0 R`).join(' ')}]>> endobj`,
    ...numbers.map(number => `${number} 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792]>> endobj`),
    'trailer <</Root 1 0 R>>',
    '%%EOF'
  ].join('\n')).toString('base64')
}
