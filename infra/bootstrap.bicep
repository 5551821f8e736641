// What an owner of the subscription makes once for each environment, before any pipeline may touch it: who deploys, who
// runs, who operates, where the secrets lie, and what it may cost. Everything else is in main.bicep.
// docs/DEPLOY.md shows the command.

@description('staging or production: one resource group each.')
param environmentName string

param location string = resourceGroup().location

@description('What the service connection of Azure DevOps shows. Without it, nobody but people can deploy.')
param issuer string = ''

@description('As issuer.')
param subject string = ''

@description('The object id of the group of people who operate the bots.')
param operatorsGroupId string

@description('Who is told when money runs out.')
param alertEmail string

@minValue(1)
@description('US dollars a month, or the currency of the bill.')
param budget int

@description('The first day of a month. The first run sets it for good: a later run must say the same.')
param budgetStart string = '${utcNow('yyyy-MM')}-01'

@description('Where main.bicep is told signalR = true.')
param signalR bool = false

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
var contributor = 'b24988ac-6180-42a0-ab88-20f7382dd24c'
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var secretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
var logReader = '73c42c96-874c-492b-b04d-ab87d138a893'
var websiteContributor = 'de139f84-1756-47ae-9be6-808fbbe84772'
var signalROwner = '7e4f1700-ea5a-4f59-8f37-079cfe29dce3'

// The app's roles count in this resource group, which holds nothing but this environment. So whoever deploys needs no
// right to give rights.
var everyAppRoles = [
  blobDataOwner
  queueDataContributor
  metricsPublisher
  secretsUser
]
var pushRoles = [
  signalROwner
]
var appRoles = signalR ? concat(everyAppRoles, pushRoles) : everyAppRoles
// The deployment reads the bots' tokens to register their webhooks.
var deployRoles = [
  contributor
  secretsUser
]
var operatorRoles = [
  queueDataContributor
  secretsOfficer
  logReader
  websiteContributor
]

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-backline-${environmentName}'
  location: location
}

resource deployer 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-backline-${environmentName}-deploy'
  location: location
}

resource federation 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (!empty(issuer)) {
  parent: deployer
  name: 'azure-devops'
  properties: {
    issuer: issuer
    subject: subject
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

resource ofApp 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in appRoles: {
  name: guid(resourceGroup().id, app.id, role)
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource ofDeployer 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in deployRoles: {
  name: guid(resourceGroup().id, deployer.id, role)
  properties: {
    principalId: deployer.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource ofOperators 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in operatorRoles: {
  name: guid(resourceGroup().id, operatorsGroupId, role)
  properties: {
    principalId: operatorsGroupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

// Here and not in main.bicep, so that the secrets are there before the app asks for them.
resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: 'kv-${uniqueString(resourceGroup().id)}'
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
  }
}

resource spending 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: 'budget-backline-${environmentName}'
  properties: {
    category: 'Cost'
    amount: budget
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: budgetStart
    }
    notifications: {
      half: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 50
        thresholdType: 'Actual'
        contactEmails: [
          alertEmail
        ]
      }
      nearly: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 90
        thresholdType: 'Actual'
        contactEmails: [
          alertEmail
        ]
      }
      foreseen: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [
          alertEmail
        ]
      }
    }
  }
}

@description('For the service connection.')
output deployerClientId string = deployer.properties.clientId

@description('For the service connection.')
output tenantId string = tenant().tenantId

@description('Where the bots\' secrets are to be put.')
output vaultName string = vault.name
