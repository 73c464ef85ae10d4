import { createTransport } from 'nodemailer'
import type { Config } from '../config'
import type { Attempted } from './send-webhook'

const TIMEOUT_MS = 10_000

/** Sends plain text over the configured mail server. */
export interface Mailer {
  /** Never throws: what goes wrong is told. The same `id` gives the same Message-ID, so that a mail sent twice shows as one. */
  send: (mail: { id: string, to: string, subject: string, text: string }) => Promise<Attempted>
  close: () => void
}

/** Undefined without `SMTP_URL`: this installation sends no mail. */
export function openMailer({ SMTP_URL, SMTP_FROM }: Pick<Config, 'SMTP_URL' | 'SMTP_FROM'>): Mailer | undefined {
  if (!SMTP_URL) return undefined
  const transport = createTransport({ url: SMTP_URL, connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS, disableFileAccess: true, disableUrlAccess: true })
  return {
    async send({ id, to, subject, text }) {
      try {
        await transport.sendMail({ from: SMTP_FROM, to: { name: '', address: to }, subject, text, messageId: `<${id}@loom.alerts>` })
        return { delivered: true, responseStatus: null, error: null }
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
        return { delivered: false, responseStatus: null, error: `The mail server did not take the mail${code}.` }
      }
    },
    close: () => transport.close()
  }
}
