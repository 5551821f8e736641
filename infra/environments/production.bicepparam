using '../main.bicep'

param environmentName = 'production'
param bots = [
  {
    slug: 'operations'
    operators: ''
  }
]
param operatorsGroupId = '00000000-0000-0000-0000-000000000000'
param alertEmail = 'operators@example.com'
param logGigabytesPerDay = '0.1'
param maximumInstances = 40
