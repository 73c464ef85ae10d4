/** Tells whether a JSON object that comes in pieces is whole so far. It counts brackets, and keeps nothing of the text. */
export class JsonProgress {
  /** Something of it has come, but for white space. */
  hasBegun = false
  private depth = 0
  private isInString = false
  private isEscaped = false

  get isWhole(): boolean {
    return this.hasBegun && this.depth === 0
  }

  read(piece: string): void {
    for (const character of piece) {
      if (this.isEscaped) this.isEscaped = false
      else if (this.isInString && character === '\\') this.isEscaped = true
      else if (character === '"') this.isInString = !this.isInString
      else if (!this.isInString) this.readBracket(character)
    }
  }

  private readBracket(character: string): void {
    if (character === '{' || character === '[') {
      this.hasBegun = true
      this.depth++
    } else if (character === '}' || character === ']') {
      this.depth--
    }
  }
}
