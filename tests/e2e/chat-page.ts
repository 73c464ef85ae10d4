import type { Page } from '@playwright/test'
import { expect } from '@playwright/test'

/** The chat as a person sees it. */
export class ChatPage {
  constructor(readonly page: Page) {}

  readonly message = () => this.page.getByRole('textbox', { name: 'Message', exact: true })
  readonly log = () => this.page.getByRole('log')
  readonly answers = () => this.log().getByRole('article', { name: 'Answer' })
  readonly stopButton = () => this.page.getByRole('button', { name: 'Stop the answer' })

  /** An empty chat in the first project, with the demo model unless told otherwise. */
  async openNew(model = 'demo') {
    await this.page.goto('/projects')
    const first = this.page.locator('main').getByRole('link').first()
    await this.page.goto(`${await first.getAttribute('href')}/c/new`)
    await this.ready()
    await this.chooseModel(model)
  }

  /** A chat that was come to by a link takes the focus once it can be used. */
  async ready() {
    await expect(this.message()).toBeFocused()
  }

  async chooseModel(name: string) {
    await this.page.getByRole('button', { name: /^Model/ }).click()
    await this.page.getByRole('option', { name }).first().click()
    await expect(this.page.getByRole('listbox', { name: 'Models' })).toBeHidden()
    await expect(this.message()).toBeFocused()
  }

  async send(text: string) {
    await this.message().fill(text)
    await expect(this.message()).toHaveValue(text)
    await this.page.getByRole('button', { name: 'Send' }).click()
  }

  /** The newest answer once it has ended as `status` says. */
  async settled(status: 'complete' | 'aborted' | 'error' = 'complete') {
    const answer = this.answers().last()
    await expect(answer).toHaveAttribute('data-status', status)
    return answer
  }
}
