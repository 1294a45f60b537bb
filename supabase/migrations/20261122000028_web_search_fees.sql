-- What the providers of seeded models published for their web search in October 2025, 10 USD per
-- 1,000 searches both:
--   OpenAI     https://platform.openai.com/docs/pricing
--   Anthropic  https://platform.claude.com/docs/en/about-claude/pricing
-- Others bill searches by another measure, or have none: without a fee they are not sold. A row that
-- the operator has priced since is left alone.

update public.model_pricing
set web_search_fee = 0.01
where web_search_fee is null
  and (provider_id, source) in (
    ('openai', 'platform.openai.com/docs/pricing'),
    ('anthropic', 'platform.claude.com/docs/en/about-claude/pricing')
  );
