// Unpacks the packaged browser into TMPDIR. A process of its own, because the package reads its environment, and changes it, on import.
import chromium from '@sparticuz/chromium'

await chromium.executablePath()
