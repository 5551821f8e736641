// One environment: where data lies, what runs, who watches. bootstrap.bicep has been here before.

@allowed([
  'staging'
  'production'
])
param environmentName string

param location string = resourceGroup().location

@description('Each with a slug, and operators: chat ids separated by commas, or nothing. Its secrets are in the vault: <slug>-token and <slug>-secret.')
param bots array

@description('The object id of the group of people who operate the bots.')
param operatorsGroupId string

@description('Who is told when something goes wrong.')
param alertEmail string

@description('Nobody is woken by an environment where things may go wrong.')
param alertsEnabled bool = true

@minValue(1)
@description('So many invocations in an hour are more than the budget can bear.')
param invocationsPerHour int = 15000

@description('Gigabytes of logs a day; what is more is not taken. A text, for it may be a fraction.')
param logGigabytesPerDay string

@minValue(1)
@maxValue(1000)
@description('Of each function that scales by itself: the ceiling of what a mistake may cost.')
param maximumInstances int

@minValue(0)
@maxValue(10)
@description('Instances that wait for the webhook, awake and paid for. With none, a quiet bot takes some seconds to wake.')
param alwaysReady int = 0

@description('For a console that is told of changes.')
param signalR bool = false

@description('More settings of src/config.rs: INLINE_CONCURRENCY and the like. No secrets, and none that this template sets.')
param settings object = {}

var tags = {
  app: 'backline'
  environment: environmentName
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: 'id-backline-${environmentName}'
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: 'kv-${uniqueString(resourceGroup().id)}'
}

module data 'modules/data.bicep' = {
  name: 'data'
  params: {
    location: location
    tags: tags
    appPrincipalId: identity.properties.principalId
    operatorsGroupId: operatorsGroupId
  }
}

module watch 'modules/watch.bicep' = {
  name: 'watch'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    logGigabytesPerDay: logGigabytesPerDay
    alertEmail: alertEmail
    alertsEnabled: alertsEnabled
    invocationsPerHour: invocationsPerHour
  }
}

module push 'modules/signalr.bicep' = if (signalR) {
  name: 'push'
  params: {
    location: location
    tags: tags
  }
}

module botSettings 'modules/bots.bicep' = {
  name: 'bots'
  params: {
    bots: bots
    vaultName: vault.name
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    identityId: identity.id
    packageUrl: data.outputs.packageUrl
    maximumInstances: maximumInstances
    alwaysReady: alwaysReady
    insightsName: watch.outputs.insightsName
    // What comes later wins: nobody's settings lead this environment to another one's data.
    settings: union(
      settings,
      botSettings.outputs.settings,
      signalR ? {
        AzureSignalRConnectionString__serviceUri: push!.outputs.endpoint
        AzureSignalRConnectionString__credential: 'managedidentity'
        AzureSignalRConnectionString__clientId: identity.properties.clientId
      } : {},
      {
        STORE: 'cosmos'
        COSMOS_DATABASE: data.outputs.database
        CosmosConnection__accountEndpoint: data.outputs.cosmosEndpoint
        CosmosConnection__credential: 'managedidentity'
        CosmosConnection__clientId: identity.properties.clientId
        // All three: with the name alone, the host asks for an identity of the app's own, and there is none.
        AzureWebJobsStorage__accountName: data.outputs.storageName
        AzureWebJobsStorage__credential: 'managedidentity'
        AzureWebJobsStorage__clientId: identity.properties.clientId
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      }
    )
  }
}

output appName string = app.outputs.name
output url string = app.outputs.url
output vaultName string = vault.name
output storageName string = data.outputs.storageName
output cosmosEndpoint string = data.outputs.cosmosEndpoint
output database string = data.outputs.database
