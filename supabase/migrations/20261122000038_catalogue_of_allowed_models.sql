-- The catalogue tells which models may be used. A hint, as its prices are: reserve decides.

create or replace function billing.pricing_catalogue() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(
    billing.price_as_json(m.price_version) || jsonb_build_object(
      'display_name', m.display_name,
      'price_version', m.price_version,
      'updated_at', m.updated_at,
      'markup_basis_points', s.markup_basis_points,
      'allowed', billing.is_listed(s.allowed_models, m.provider_id || ':' || m.model_id),
      'allowed_for_guests', billing.is_listed(s.guest_models, m.provider_id || ':' || m.model_id)
        and billing.is_listed(s.allowed_models, m.provider_id || ':' || m.model_id)
    )
    order by m.provider_id, m.model_id
  ), '[]')
  from public.model_pricing m
  cross join billing.settings s;
$$;
select billing.only_for_service_role(array['pricing_catalogue']);
