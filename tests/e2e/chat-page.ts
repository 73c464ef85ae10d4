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

  /** Turns the wheel until `target` stands in the view: upwards, and back where a slow machine has gathered turns and passed it over. */
  async scrollUpTo(target: Locator, turnPx: number) {
    await this.log().hover()
    let turn = -turnPx
    const find = () => target.evaluateAll((elements) => {
      const places = elements.map(element => element.getBoundingClientRect())
      if (places.some(({ top, bottom }) => bottom > 0 && top < innerHeight)) return 'in view'
      if (places.length > 0) return places.some(({ top }) => top >= innerHeight) ? 'below' : 'above'
      // Not drawn: far off, on the way that is gone; unless that ends here.
      const { scrollTop, clientHeight, scrollHeight } = document.querySelector('[role=log]')?.closest('.overflow-y-auto') ?? document.body
      return scrollTop <= 0 ? 'below' : scrollTop + clientHeight >= scrollHeight - 1 ? 'above' : 'far off'
    })
    await expect(async () => {
      const place = await find()
      if (place === 'in view') return
      if (place !== 'far off') turn = place === 'below' ? turnPx : -turnPx
      await this.page.mouse.wheel(0, turn)
      await this.page.evaluate(() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn))))
      expect(await find()).toBe('in view')
    }).toPass({ intervals: [50], timeout: 120_000 })
  }

  /** The newest answer once it has ended as `status` says; not the one before a message that is on its way. */
  async settled(status: 'complete' | 'aborted' | 'error' = 'complete') {
    const newest = this.log().getByRole('article').last()
    await expect(newest).toHaveAttribute('data-status', status)
    return newest
  }
}
