-- Claude Sonnet 4.5 reads 200,000 tokens: the beta of a window of 1,000,000 has ended (2026-04-30).
-- A prompt that cannot be counted is held at the whole window, which must not be five times what is
-- possible. A price that the operator has set is left alone.

update public.model_pricing
set max_input_tokens = 200000
where provider_id = 'anthropic'
  and model_id = 'claude-sonnet-4-5'
  and max_input_tokens = 1000000
  and source = 'platform.claude.com/docs/en/about-claude/pricing';
