/** What the demo data talks about: questions and the answers a model gave. */
export const demoProjects = [
  {
    name: 'Literature review',
    description: 'Reading, comparing and summing up papers.',
    instructions: 'Answer for researchers. Say what is known, what is disputed and what you are unsure of.',
    conversations: [
      {
        title: 'Sampling bias in survey data',
        turns: [
          ['What is sampling bias, in two sentences?', 'Sampling bias arises when some members of a population are more likely to be sampled than others. What the sample says about the population is then wrong in a **systematic** way, which no larger sample repairs.'],
          ['How would I notice it in an online survey?', '## Signs to look for\n\n1. Compare respondents with a census on age, region and education.\n2. Compare early and late respondents: late ones resemble those who never answered.\n3. Look at answers by the channel that brought people in.\n\n| Check | Needs | Finds |\n|---|---|---|\n| Census comparison | Demographics | Coverage gaps |\n| Early vs late | Time stamps | Non-response |\n\nNone of these *proves* its absence.']
        ]
      },
      {
        title: 'Effect sizes for a small study',
        turns: [
          ['Which effect size suits two groups of 12?', 'Hedges\' *g*: it is Cohen\'s *d* with a correction for small samples.\n\n```python\ng = d * (1 - 3 / (4 * (n1 + n2) - 9))\n```\n\nReport its confidence interval too; with 12 per group it will be wide.']
        ]
      }
    ]
  },
  {
    name: 'Support desk',
    description: 'Drafts of answers to customers.',
    instructions: 'Be brief and friendly. Never promise a date.',
    conversations: [
      {
        title: 'Export takes too long',
        turns: [
          ['A customer says their export has been running for an hour. Draft an answer.', 'Thank you for telling us. An export of that size should not take an hour, so we are looking into it. You can keep working meanwhile; the finished file will appear under **Downloads**.'],
          ['Shorter, please.', 'Thanks for the report: that is too long, and we are on it. You can keep working; the file will appear under **Downloads**.']
        ]
      }
    ]
  }
] as const

/** Prices are nano-USD per million tokens. */
export const demoModels = [
  { provider: 'openai', model: 'gpt-4o-mini', inputPrice: 150_000_000n, outputPrice: 600_000_000n },
  { provider: 'anthropic', model: 'claude-haiku-4-5', inputPrice: 1_000_000_000n, outputPrice: 5_000_000_000n },
  { provider: 'google', model: 'gemini-2.5-flash', inputPrice: 300_000_000n, outputPrice: 2_500_000_000n },
  { provider: 'openai', model: 'gpt-4o', inputPrice: 2_500_000_000n, outputPrice: 10_000_000_000n }
] as const

/** How a call of the demo data may fail. */
export const demoFailures = [
  { statusCode: 429, errorType: 'rate_limit_exceeded' },
  { statusCode: 502, errorType: 'upstream_error' },
  { statusCode: 504, errorType: 'upstream_timeout' }
] as const
