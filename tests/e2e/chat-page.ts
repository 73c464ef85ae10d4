import type { Locator, Page } from '@playwright/test'
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

  /** A chat that is kept nowhere, in the first project. */
  async openTemporary(model = 'demo') {
    await this.openNew()
    await this.page.getByRole('link', { name: 'Temporary' }).click()
    await expect(this.page.getByText('This chat is kept nowhere')).toBeVisible()
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

  /** Turns the wheel until `target` stands in the view. Each turn is drawn before the next: on a slow machine they would gather and pass it over. */
  async scrollUpTo(target: Locator, turnPx: number) {
    await this.log().hover()
    const isInView = () => target.evaluateAll(elements => elements.some((element) => {
      const { top, bottom } = element.getBoundingClientRect()
      return bottom > 0 && top < innerHeight
    }))
    await expect(async () => {
      if (await isInView()) return
      await this.page.mouse.wheel(0, -turnPx)
      await this.page.evaluate(() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn))))
      expect(await isInView()).toBe(true)
    }).toPass({ intervals: [50], timeout: 120_000 })
  }

  /** The newest answer once it has ended as `status` says. */
  async settled(status: 'complete' | 'aborted' | 'error' = 'complete') {
    const answer = this.answers().last()
    await expect(answer).toHaveAttribute('data-status', status)
    return answer
  }
}
