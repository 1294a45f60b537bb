
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  
  "public": {
          Tables: {
            "balance_notices": {
                  Row: {
                    "balance": number,"claimed_until": string | null,"created_at": string,"delivered_at": string | null,"id": number,"kind": string,"threshold": number,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "balance": number,"claimed_until"?: string | null,"created_at"?: string,"delivered_at"?: string | null,"id"?: never,"kind": string,"threshold": number,"user_id": string
                  }
                  Update: {
                    "balance"?: number,"claimed_until"?: string | null,"created_at"?: string,"delivered_at"?: string | null,"id"?: never,"kind"?: string,"threshold"?: number,"user_id"?: string
                  }
                  Relationships: [
                    
                  ]
                },"balance_transactions": {
                  Row: {
                    "amount": number,"balance_after": number,"created_at": string,"id": number,"idempotency_key": string,"kind": string,"note": string | null,"request_id": string | null,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "amount": number,"balance_after": number,"created_at"?: string,"id"?: never,"idempotency_key": string,"kind": string,"note"?: string | null,"request_id"?: string | null,"user_id": string
                  }
                  Update: {
                    "amount"?: number,"balance_after"?: number,"created_at"?: string,"id"?: never,"idempotency_key"?: string,"kind"?: string,"note"?: string | null,"request_id"?: string | null,"user_id"?: string
                  }
                  Relationships: [
                    
                  ]
                },"chat_exchanges": {
                  Row: {
                    "answer": string,"chat_id": string | null,"created_at": string,"dialect": string,"model": string,"request": Json | null,"request_id": string,"response": string | null,"response_type": string | null,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "answer": string,"chat_id"?: string | null,"created_at"?: string,"dialect": string,"model": string,"request"?: Json | null,"request_id": string,"response"?: string | null,"response_type"?: string | null,"user_id": string
                  }
                  Update: {
                    "answer"?: string,"chat_id"?: string | null,"created_at"?: string,"dialect"?: string,"model"?: string,"request"?: Json | null,"request_id"?: string,"response"?: string | null,"response_type"?: string | null,"user_id"?: string
                  }
                  Relationships: [
                    
                  ]
                },"model_pricing": {
                  Row: {
                    "cache_read_audio_per_1k": number | null,"cache_read_per_1k": number | null,"cache_write_1h_per_1k": number | null,"cache_write_5m_per_1k": number | null,"display_name": string,"hides_reasoning": boolean,"image_tokens_max": number | null,"input_audio_per_1k": number | null,"input_image_per_1k": number | null,"input_per_1k": number,"long_cache_read_per_1k": number | null,"long_cache_write_1h_per_1k": number | null,"long_cache_write_5m_per_1k": number | null,"long_context_threshold_tokens": number | null,"long_input_per_1k": number | null,"long_output_per_1k": number | null,"max_input_tokens": number | null,"max_output_tokens": number | null,"model_id": string,"output_audio_per_1k": number | null,"output_image_per_1k": number | null,"output_per_1k": number,"price_version": number,"provider_id": string,"request_fee": number,"source": string,"updated_at": string,"web_search_fee": number | null
                  }
                  ComputedFields: never
                  Insert: {
                    "cache_read_audio_per_1k"?: number | null,"cache_read_per_1k"?: number | null,"cache_write_1h_per_1k"?: number | null,"cache_write_5m_per_1k"?: number | null,"display_name": string,"hides_reasoning"?: boolean,"image_tokens_max"?: number | null,"input_audio_per_1k"?: number | null,"input_image_per_1k"?: number | null,"input_per_1k": number,"long_cache_read_per_1k"?: number | null,"long_cache_write_1h_per_1k"?: number | null,"long_cache_write_5m_per_1k"?: number | null,"long_context_threshold_tokens"?: number | null,"long_input_per_1k"?: number | null,"long_output_per_1k"?: number | null,"max_input_tokens"?: number | null,"max_output_tokens"?: number | null,"model_id": string,"output_audio_per_1k"?: number | null,"output_image_per_1k"?: number | null,"output_per_1k": number,"price_version"?: number,"provider_id": string,"request_fee"?: number,"source": string,"updated_at"?: string,"web_search_fee"?: number | null
                  }
                  Update: {
                    "cache_read_audio_per_1k"?: number | null,"cache_read_per_1k"?: number | null,"cache_write_1h_per_1k"?: number | null,"cache_write_5m_per_1k"?: number | null,"display_name"?: string,"hides_reasoning"?: boolean,"image_tokens_max"?: number | null,"input_audio_per_1k"?: number | null,"input_image_per_1k"?: number | null,"input_per_1k"?: number,"long_cache_read_per_1k"?: number | null,"long_cache_write_1h_per_1k"?: number | null,"long_cache_write_5m_per_1k"?: number | null,"long_context_threshold_tokens"?: number | null,"long_input_per_1k"?: number | null,"long_output_per_1k"?: number | null,"max_input_tokens"?: number | null,"max_output_tokens"?: number | null,"model_id"?: string,"output_audio_per_1k"?: number | null,"output_image_per_1k"?: number | null,"output_per_1k"?: number,"price_version"?: number,"provider_id"?: string,"request_fee"?: number,"source"?: string,"updated_at"?: string,"web_search_fee"?: number | null
                  }
                  Relationships: [
                    
                  ]
                },"usage_records": {
                  Row: {
                    "balance_after": number | null,"balance_before": number | null,"basis": string,"cache_read_audio_tokens": number | null,"cache_read_tokens": number,"cache_write_1h_tokens": number,"cache_write_5m_tokens": number,"chat_id": string | null,"collected": number,"cost": number,"created_at": string,"duration_ms": number | null,"finish": string | null,"first_token_ms": number | null,"flags": (string)[] | null,"input_audio_tokens": number | null,"input_image_tokens": number | null,"input_tokens": number,"markup_basis_points": number,"model_id": string,"other_models_cost": number | null,"output_audio_tokens": number | null,"output_image_tokens": number | null,"output_tokens": number,"price_version": number,"provider_cost": number | null,"provider_id": string,"provider_request_id": string | null,"request_id": string,"sequence": number,"service_tier": string | null,"uncollected": number,"user_id": string | null,"web_searches": number | null
                  }
                  ComputedFields: never
                  Insert: {
                    "balance_after"?: number | null,"balance_before"?: number | null,"basis": string,"cache_read_audio_tokens"?: number | null,"cache_read_tokens"?: number,"cache_write_1h_tokens"?: number,"cache_write_5m_tokens"?: number,"chat_id"?: string | null,"collected": number,"cost": number,"created_at"?: string,"duration_ms"?: number | null,"finish"?: string | null,"first_token_ms"?: number | null,"flags"?: (string)[] | null,"input_audio_tokens"?: number | null,"input_image_tokens"?: number | null,"input_tokens": number,"markup_basis_points"?: number,"model_id": string,"other_models_cost"?: number | null,"output_audio_tokens"?: number | null,"output_image_tokens"?: number | null,"output_tokens": number,"price_version": number,"provider_cost"?: number | null,"provider_id": string,"provider_request_id"?: string | null,"request_id": string,"sequence"?: number,"service_tier"?: string | null,"uncollected": number,"user_id"?: string | null,"web_searches"?: number | null
                  }
                  Update: {
                    "balance_after"?: number | null,"balance_before"?: number | null,"basis"?: string,"cache_read_audio_tokens"?: number | null,"cache_read_tokens"?: number,"cache_write_1h_tokens"?: number,"cache_write_5m_tokens"?: number,"chat_id"?: string | null,"collected"?: number,"cost"?: number,"created_at"?: string,"duration_ms"?: number | null,"finish"?: string | null,"first_token_ms"?: number | null,"flags"?: (string)[] | null,"input_audio_tokens"?: number | null,"input_image_tokens"?: number | null,"input_tokens"?: number,"markup_basis_points"?: number,"model_id"?: string,"other_models_cost"?: number | null,"output_audio_tokens"?: number | null,"output_image_tokens"?: number | null,"output_tokens"?: number,"price_version"?: number,"provider_cost"?: number | null,"provider_id"?: string,"provider_request_id"?: string | null,"request_id"?: string,"sequence"?: number,"service_tier"?: string | null,"uncollected"?: number,"user_id"?: string | null,"web_searches"?: number | null
                  }
                  Relationships: [
                    
                  ]
                },"user_balances": {
                  Row: {
                    "balance": number,"created_at": string,"currency": string,"minute_requests": number,"minute_started_at": string | null,"reserved": number,"updated_at": string,"user_id": string,"welcomed_at": string | null
                  }
                  ComputedFields: never
                  Insert: {
                    "balance"?: number,"created_at"?: string,"currency"?: string,"minute_requests"?: number,"minute_started_at"?: string | null,"reserved"?: number,"updated_at"?: string,"user_id": string,"welcomed_at"?: string | null
                  }
                  Update: {
                    "balance"?: number,"created_at"?: string,"currency"?: string,"minute_requests"?: number,"minute_started_at"?: string | null,"reserved"?: number,"updated_at"?: string,"user_id"?: string,"welcomed_at"?: string | null
                  }
                  Relationships: [
                    
                  ]
                }
          }
          Views: {
            "account_statement": {
                  Row: {
                    "amount": number | null,"balance_after": number | null,"created_at": string | null,"description": string | null,"kind": string | null,"request_id": string | null,"user_id": string | null
                  }
                  ComputedFields: never
                  Relationships: [
                    
                  ]
                }
          }
          Functions: {
            "account_balance":
{ Args: { "p_user_id": string }; Returns: Json
                           },
"account_peek":
{ Args: { "p_key"?: string,"p_user_id": string }; Returns: Json
                           },
"alerts_delivered":
{ Args: { "p_rules": (string)[] }; Returns: Json
                           },
"alerts_read":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"backfill_usage":
{ Args: { "p_at": string,"p_basis": string,"p_cache_read_audio_tokens"?: number,"p_cache_read_tokens": number,"p_cache_write_1h_tokens": number,"p_cache_write_5m_tokens": number,"p_chat_id": string,"p_dry_run"?: boolean,"p_duration_ms"?: number,"p_expected_cost"?: string,"p_finish"?: string,"p_first_token_ms"?: number,"p_flags"?: (string)[],"p_input_audio_tokens"?: number,"p_input_image_tokens"?: number,"p_input_tokens": number,"p_model": string,"p_other_models"?: Json,"p_output_audio_tokens"?: number,"p_output_image_tokens"?: number,"p_output_tokens": number,"p_provider_cost"?: string,"p_provider_request_id"?: string,"p_request_id": string,"p_service_tier"?: string,"p_user_id": string,"p_web_searches"?: number }; Returns: Json
                           },
"chat_cost":
{ Args: { "p_chat_id": string,"p_user_id": string }; Returns: Json
                           },
"check_drift":
{ Args: Record<PropertyKey, never>; Returns: boolean
                           },
"claim_alerts":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"claim_notices":
{ Args: { "p_limit"?: number }; Returns: Json
                           },
"decide_sign_up":
{ Args: { "p_address_hash": string,"p_email": string,"p_is_anonymous": boolean,"p_user_id": string }; Returns: Json
                           },
"doctor_facts":
{ Args: { "p_public_names": (string)[] }; Returns: Json
                           },
"ended_request":
{ Args: { "p_request_id": string,"p_user_id": string }; Returns: Json
                           },
"expire":
{ Args: { "p_limit"?: number }; Returns: Json
                           },
"export_facts":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"export_mark":
{ Args: { "p_table": string }; Returns: Json
                           },
"export_page":
{ Args: { "p_after"?: Json,"p_limit"?: number,"p_table": string }; Returns: Json
                           },
"extend":
{ Args: { "p_input_tokens": number,"p_output_tokens": number,"p_output_tokens_total": number,"p_request_id": string }; Returns: Json
                           },
"foreign_stored_items":
{ Args: { "p_ids": (string)[],"p_user_id": string }; Returns: Json
                           },
"forget_doctor_user":
{ Args: { "p_user_id": string }; Returns: boolean
                           },
"function_settings":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"grant_credit":
{ Args: { "p_amount": string,"p_key": string,"p_kind": string,"p_note"?: string,"p_user_id": string }; Returns: Json
                           },
"guest_status":
{ Args: { "p_guest_address_hash": string,"p_guest_limit": number,"p_guest_token_id": string }; Returns: Json
                           },
"health_check":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"health_details":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"incidents_list":
{ Args: { "p_kind"?: string,"p_limit"?: number,"p_since"?: string }; Returns: Json
                           },
"init_users":
{ Args: { "p_after"?: string,"p_amount": string,"p_limit"?: number }; Returns: Json
                           },
"note_prices_checked":
{ Args: Record<PropertyKey, never>; Returns: string
                           },
"notices_delivered":
{ Args: { "p_ids": (number)[] }; Returns: number
                           },
"price_history":
{ Args: { "p_model_id": string,"p_provider_id": string }; Returns: Json
                           },
"price_list":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"pricing_catalogue":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"receipt":
{ Args: { "p_request_id": string,"p_user_id": string }; Returns: Json
                           },
"reconcile":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"record_incident":
{ Args: { "p_details": Json,"p_kind": string,"p_request_id": string,"p_user_id": string }; Returns: undefined
                           },
"refund":
{ Args: { "p_amount": string,"p_key": string,"p_reason": string,"p_request_id": string }; Returns: Json
                           },
"release":
{ Args: { "p_reason": string,"p_request_id": string }; Returns: Json
                           },
"remember_stored_items":
{ Args: { "p_ids": (string)[],"p_user_id": string }; Returns: undefined
                           },
"reprice_page":
{ Args: { "p_after"?: string,"p_from": string,"p_limit"?: number,"p_model_id": string,"p_provider_id": string,"p_to": string,"p_version": number }; Returns: Json
                           },
"reprice_plan":
{ Args: { "p_after"?: string,"p_from": string,"p_limit"?: number,"p_model_id": string,"p_provider_id": string,"p_to": string,"p_version"?: number }; Returns: Json
                           },
"reserve":
{ Args: { "p_can_extend"?: boolean,"p_chat_id": string,"p_enforcement"?: string,"p_fallback_models"?: (string)[],"p_guest_address_hash": string,"p_guest_limit": number,"p_guest_token_id": string,"p_idempotency_key": string,"p_input_tokens_max": number,"p_model_id": string,"p_output_tokens_max": number,"p_provider_id": string,"p_request_hash": string,"p_request_id": string,"p_user_id": string,"p_web_searches_max"?: number,"p_with_media"?: boolean }; Returns: Json
                           },
"save_exchange":
{ Args: { "p_answer": string,"p_chat_id": string,"p_dialect": string,"p_model": string,"p_request": Json,"p_request_id": string,"p_response": string,"p_response_type": string,"p_user_id": string }; Returns: undefined
                           },
"set_alert_rule":
{ Args: { "p_cooldown_minutes"?: number,"p_enabled"?: boolean,"p_rule": string,"p_threshold"?: number,"p_window_minutes"?: number }; Returns: Json
                           },
"set_prices":
{ Args: { "p_prices": Json }; Returns: Json
                           },
"settings_read":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"settings_write":
{ Args: { "p_changes": Json }; Returns: Json
                           },
"settle":
{ Args: { "p_basis": string,"p_cache_read_audio_tokens"?: number,"p_cache_read_tokens": number,"p_cache_write_1h_tokens": number,"p_cache_write_5m_tokens": number,"p_duration_ms"?: number,"p_finish"?: string,"p_first_token_ms"?: number,"p_flags"?: (string)[],"p_input_audio_tokens"?: number,"p_input_image_tokens"?: number,"p_input_tokens": number,"p_model"?: string,"p_other_models"?: Json,"p_output_audio_tokens"?: number,"p_output_image_tokens"?: number,"p_output_tokens": number,"p_provider_cost"?: string,"p_provider_request_id"?: string,"p_request_id": string,"p_service_tier"?: string,"p_web_searches"?: number }; Returns: Json
                           },
"storage_facts":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"transactions_list":
{ Args: { "p_before"?: string,"p_limit"?: number,"p_user_id": string }; Returns: Json
                           },
"usage_list":
{ Args: { "p_before"?: string,"p_chat_id"?: string,"p_from"?: string,"p_limit"?: number,"p_model"?: string,"p_to"?: string,"p_user_id": string }; Returns: Json
                           },
"usage_report":
{ Args: { "p_by": string,"p_from"?: string,"p_to"?: string }; Returns: Json
                           },
"usage_summary":
{ Args: { "p_by": string,"p_from"?: string,"p_to"?: string,"p_user_id": string }; Returns: Json
                           },
"users_count":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"users_to_tell":
{ Args: { "p_after"?: string,"p_limit"?: number,"p_to"?: string }; Returns: Json
                           },
"welcome":
{ Args: { "p_user_id": string }; Returns: Json
                           }
          }
          Enums: {
            [_ in never]: never
          }
          CompositeTypes: {
            [_ in never]: never
          }
        }
}

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
  ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R
    }
    ? R
    : never
  : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I
    }
    ? I
    : never
  : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U
    }
    ? U
    : never
  : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
  ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
  ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never

export const Constants = {
  "public": {
          Enums: {
            
          }
        }
} as const
