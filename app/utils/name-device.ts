import type { Translate } from './translate'

const browsers: [RegExp, string][] = [[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/HeadlessChrome\//, 'Chrome (headless)'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari']]
const systems: [RegExp, string][] = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']]

/** A browser by what it says of itself, in words: "Firefox on Linux". Anything else by the start of what it said. */
export function nameDevice(userAgent: string | null, t: Translate): string {
  if (!userAgent) return t('settings.devices.unknownDevice')
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(userAgent))?.[1]
  const [browser, system] = [find(browsers), find(systems)]
  return browser && system ? t('settings.devices.browserOnSystem', { browser, system }) : userAgent.slice(0, 60)
}
