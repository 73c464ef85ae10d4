import type { KeyObject } from 'node:crypto'
import { sealBody } from '../traces/seal-body'
import type { Sealed } from '../crypto/envelope'
import { ByteCollector } from '../utils/byte-collector'
import type { AnswerHead } from './claim-key'

/** Longer answers are not kept: a repeat is told so. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024

/** An answer as the capture of its call stores it. */
export interface KeptAnswer {
  head: AnswerHead
  /** Null when it was too long, or broken off. */
  body: Sealed | null
  encryptionKeyVersion: number
}

interface Owner { orgId: string, encryptionKeyVersion: number }

/** Collects one call's answer as it goes out. */
export class AnswerKeeper {
  private readonly answer = new ByteCollector()
  private isWhole = true

  constructor(private readonly owner: Owner, private readonly orgKey: KeyObject) {}

  push(bytes: Buffer): void {
    if (!this.isWhole) return
    this.answer.push(bytes)
    if (this.answer.size > MAX_KEPT_BYTES) this.drop()
  }

  /** Nothing of it can be given again. */
  drop(): void {
    this.isWhole = false
    this.answer.clear()
  }

  /** All that was pushed, sealed for this call's id. */
  seal(head: AnswerHead): KeptAnswer {
    const { orgId, encryptionKeyVersion } = this.owner
    const body = this.isWhole ? sealBody(this.orgKey, orgId, head.requestId, 'replay', this.answer.bytes()) : null
    return { head, body, encryptionKeyVersion }
  }
}
