-- The 23 models that a new project can sell at once. USD per 1,000 tokens (list price per million
-- divided by 1,000), as the providers published them in October 2025:
--   OpenAI     https://platform.openai.com/docs/pricing
--   Anthropic  https://platform.claude.com/docs/en/about-claude/pricing
--   Google     https://ai.google.dev/gemini-api/docs/pricing
--   xAI        https://docs.x.ai/docs/models
--   DeepSeek   https://api-docs.deepseek.com/quick_start/pricing
--   Groq       https://groq.com/pricing
--   Mistral    https://mistral.ai/pricing
-- image_tokens_max is the most that one image can cost in input tokens, by each provider's own
-- tiling rule; it bounds a reservation and is never charged.
-- hides_reasoning: OpenAI, Google and xAI bill reasoning as output but do not stream it in full;
-- Anthropic and DeepSeek stream it.
-- A row that the operator has already priced is left alone.

insert into public.model_pricing (
  provider_id, model_id, display_name,
  input_per_1k, output_per_1k, cache_read_per_1k, cache_write_5m_per_1k, cache_write_1h_per_1k,
  max_input_tokens, max_output_tokens, image_tokens_max, hides_reasoning, source
) values
  ('openai', 'gpt-4o', 'GPT-4o', 0.0025, 0.01, 0.00125, null, null, 128000, 16384, 1445, false, 'platform.openai.com/docs/pricing'),
  ('openai', 'gpt-4o-mini', 'GPT-4o mini', 0.00015, 0.0006, 0.000075, null, null, 128000, 16384, 48169, false, 'platform.openai.com/docs/pricing'),
  ('openai', 'gpt-4.1', 'GPT-4.1', 0.002, 0.008, 0.0005, null, null, 1047576, 32768, 1445, false, 'platform.openai.com/docs/pricing'),
  ('openai', 'gpt-4.1-mini', 'GPT-4.1 mini', 0.0004, 0.0016, 0.0001, null, null, 1047576, 32768, 2489, false, 'platform.openai.com/docs/pricing'),
  ('openai', 'gpt-4.1-nano', 'GPT-4.1 nano', 0.0001, 0.0004, 0.000025, null, null, 1047576, 32768, 3779, false, 'platform.openai.com/docs/pricing'),
  ('openai', 'gpt-5', 'GPT-5', 0.00125, 0.01, 0.000125, null, null, 272000, 128000, 1190, true, 'platform.openai.com/docs/pricing'),
  ('openai', 'gpt-5-mini', 'GPT-5 mini', 0.00025, 0.002, 0.000025, null, null, 272000, 128000, 2489, true, 'platform.openai.com/docs/pricing'),
  ('openai', 'gpt-5-nano', 'GPT-5 nano', 0.00005, 0.0004, 0.000005, null, null, 272000, 128000, 3779, true, 'platform.openai.com/docs/pricing'),
  ('openai', 'o3', 'o3', 0.002, 0.008, 0.0005, null, null, 200000, 100000, 1275, true, 'platform.openai.com/docs/pricing'),
  ('openai', 'o4-mini', 'o4-mini', 0.0011, 0.0044, 0.000275, null, null, 200000, 100000, 2642, true, 'platform.openai.com/docs/pricing'),
  ('anthropic', 'claude-opus-4-1', 'Claude Opus 4.1', 0.015, 0.075, 0.0015, 0.01875, 0.03, 200000, 32000, 1640, false, 'platform.claude.com/docs/en/about-claude/pricing'),
  ('anthropic', 'claude-haiku-4-5', 'Claude Haiku 4.5', 0.001, 0.005, 0.0001, 0.00125, 0.002, 200000, 64000, 1640, false, 'platform.claude.com/docs/en/about-claude/pricing'),
  ('anthropic', 'claude-3-5-haiku-latest', 'Claude Haiku 3.5', 0.0008, 0.004, 0.00008, 0.001, 0.0016, 200000, 8192, 1640, false, 'platform.claude.com/docs/en/about-claude/pricing'),
  ('google', 'gemini-2.5-flash', 'Gemini 2.5 Flash', 0.0003, 0.0025, 0.00003, null, null, 1048576, 65536, 6192, true, 'ai.google.dev/gemini-api/docs/pricing'),
  ('google', 'gemini-2.5-flash-lite', 'Gemini 2.5 Flash-Lite', 0.0001, 0.0004, 0.00001, null, null, 1048576, 65536, 6192, true, 'ai.google.dev/gemini-api/docs/pricing'),
  ('xai', 'grok-4', 'Grok 4', 0.003, 0.015, 0.00075, null, null, 256000, null, 1792, true, 'docs.x.ai/docs/models'),
  ('xai', 'grok-3-mini', 'Grok 3 Mini', 0.0003, 0.0005, 0.000075, null, null, 131072, null, 1792, true, 'docs.x.ai/docs/models'),
  ('deepseek', 'deepseek-chat', 'DeepSeek Chat', 0.00028, 0.00042, 0.000028, null, null, 128000, 8192, null, false, 'api-docs.deepseek.com/quick_start/pricing'),
  ('deepseek', 'deepseek-reasoner', 'DeepSeek Reasoner', 0.00028, 0.00042, 0.000028, null, null, 128000, 65536, null, false, 'api-docs.deepseek.com/quick_start/pricing'),
  ('groq', 'llama-3.3-70b-versatile', 'Llama 3.3 70B on Groq', 0.00059, 0.00079, null, null, null, 131072, 32768, null, false, 'groq.com/pricing'),
  ('mistral', 'mistral-large-latest', 'Mistral Large', 0.002, 0.006, null, null, null, 131072, null, 1640, false, 'mistral.ai/pricing')
on conflict (provider_id, model_id) do nothing;

-- Two models cost more once a prompt passes 200,000 tokens.
insert into public.model_pricing (
  provider_id, model_id, display_name,
  input_per_1k, output_per_1k, cache_read_per_1k, cache_write_5m_per_1k, cache_write_1h_per_1k,
  long_context_threshold_tokens, long_input_per_1k, long_output_per_1k, long_cache_read_per_1k,
  long_cache_write_5m_per_1k, long_cache_write_1h_per_1k,
  max_input_tokens, max_output_tokens, image_tokens_max, hides_reasoning, source
) values
  ('anthropic', 'claude-sonnet-4-5', 'Claude Sonnet 4.5', 0.003, 0.015, 0.0003, 0.00375, 0.006,
    200000, 0.006, 0.0225, 0.0006, 0.0075, 0.012, 1000000, 64000, 1640, false, 'platform.claude.com/docs/en/about-claude/pricing'),
  ('google', 'gemini-2.5-pro', 'Gemini 2.5 Pro', 0.00125, 0.01, 0.000125, null, null,
    200000, 0.0025, 0.015, 0.00025, null, null, 1048576, 65536, 6192, true, 'ai.google.dev/gemini-api/docs/pricing')
on conflict (provider_id, model_id) do nothing;
