const columns = Array.from({ length: 14 }, (_, column) => `Measurement ${column + 1}`)

/** Formulas, a diagram and a wide table. */
export const scholarlyMarkdown = `The energy is $E = mc^2$, and the mean is \\(\\bar{x} = \\frac{1}{n}\\sum_i x_i\\).

$$
\\int_0^\\infty e^{-x^2} \\, dx = \\frac{\\sqrt{\\pi}}{2}
$$

\\[ a^2 + b^2 = c^2 \\]

It costs between $5 and $10 a month, or $3.50 for students. This is none: $\\broken{$.

\`\`\`mermaid
graph LR
  Warp --> Weft
  Weft --> Cloth{Cloth?}
  Cloth -->|yes| Done
\`\`\`

| ${columns.join(' | ')} |
|${columns.map(() => '---').join('|')}|
| ${columns.map((_, column) => `${column * 1.5} kg`).join(' | ')} |

So it is.
`
