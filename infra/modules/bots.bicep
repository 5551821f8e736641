// The settings of each bot, as src/config.rs reads them; what is secret is named, not told.

param bots array
param vaultName string

var each = [for bot in bots: {
  'BOTS__${bot.slug}__token': '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${bot.slug}-token)'
  'BOTS__${bot.slug}__secret': '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${bot.slug}-secret)'
  'BOTS__${bot.slug}__operators': bot.operators
}]

output settings object = reduce(each, {}, (sum, one) => union(sum, one))
